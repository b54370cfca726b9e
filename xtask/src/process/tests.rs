//! How programs are run, awaited and stopped.

use super::*;

#[test]
fn the_exit_number_is_the_number_that_a_shell_reports() {
    assert_eq!(exit_number(ExitStatus::from_raw(0)), 0);
    assert_eq!(exit_number(ExitStatus::from_raw(7 << 8)), 7);
    assert_eq!(exit_number(ExitStatus::from_raw(9)), 137);
}

#[test]
fn a_failed_program_is_an_error_with_its_output() {
    let error = output(Command::new("sh").args(["-c", "echo bad >&2; exit 3"])).unwrap_err().to_string();
    assert!(error.contains("exit 3` failed (exit status: 3): bad"), "{error}");
    let error = output(&mut Command::new("no-such-program")).unwrap_err().to_string();
    assert!(error.contains("cannot run no-such-program: is it installed?"), "{error}");
    let error = output(Command::new("syft").env("PATH", "/nowhere")).unwrap_err().to_string();
    assert!(error.starts_with("cannot run syft: is it installed? How to install it: https://"), "{error}");
    assert_eq!(output(Command::new("echo").arg("good")).unwrap(), "good\n");
}

#[test]
fn until_returns_the_value_or_none_after_the_timeout() -> Result<()> {
    let mut looks = 0;
    let found = until(Duration::from_secs(10), None, || {
        looks += 1;
        Ok((looks == 3).then_some(looks))
    });
    assert_eq!(found?, Some(3));
    assert_eq!(until::<()>(Duration::ZERO, None, || Ok(None))?, None);
    assert!(until::<()>(Duration::from_secs(10), None, || bail!("it ended")).is_err());
    Ok(())
}

#[test]
fn a_dropped_guard_stops_its_child() -> Result<()> {
    let child = spawn(Command::new("sleep").arg("60"), Group::Own, Signal::SIGTERM)?;
    let id = Pid::from_raw(i32::try_from(child.id())?);
    drop(Guard::new(child, Signal::SIGTERM, Duration::from_secs(10)));
    assert_eq!(signal::kill(id, None), Err(nix::Error::ESRCH));
    Ok(())
}

//! Child processes: started so that they cannot outlive this one, waited for, and ended.
//!
//! Children must be started by the main thread: Linux sends the death signal when the *thread*
//! that started them ends.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::signals::Signals;

/// Whether Ctrl-C at the terminal reaches a child without our doing.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Group {
    /// In our process group: it may read the terminal, which sends it Ctrl-C as well as us.
    Shared,
    /// In a process group of its own: it learns of a signal from us, in the order that we choose.
    Own,
}

/// Starts `command`, which gets the signal `on_death` if this process dies before it.
pub(crate) fn spawn(command: &mut Command, group: Group, on_death: Signal) -> Result<Child> {
    if group == Group::Own {
        command.process_group(0);
    }
    send_on_death(command, on_death);
    command.spawn().with_context(|| match command.get_current_dir() {
        None => format!("cannot run {}", command.get_program().display()),
        Some(folder) => {
            format!("cannot run {} in {}", command.get_program().display(), folder.display())
        }
    })
}

/// Waits until `child` has ended by itself or because a signal to us was passed on to it.
///
/// The first signal is passed on, any further one kills. A child in our group is left to deal with
/// Ctrl-C as it likes: psql, say, goes on.
pub(crate) fn wait(child: &mut Child, group: Group, signals: &Signals) -> Result<ExitStatus> {
    let mut asked = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        match signals.wait(Duration::MAX) {
            None => {}
            Some(Signal::SIGINT) if group == Group::Shared => {}
            Some(_) if asked => child.kill()?,
            Some(_) => {
                asked = true;
                send(child, Signal::SIGTERM);
            }
        }
    }
}

/// Runs `command` to its end, unless a signal asked this process to end before it began.
pub(crate) fn run(command: &mut Command, group: Group, signals: &Signals) -> Result<ExitStatus> {
    signals.check()?;
    wait(&mut spawn(command, group, Signal::SIGTERM)?, group, signals)
}

/// Sends `signal` to a child that has not been waited for, so that its id is still its own.
pub(crate) fn send(child: &Child, signal: Signal) {
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = signal::kill(Pid::from_raw(id), signal);
    }
}

/// A child's status in the form in which a shell passes it on: 128 + n for signal n.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(exit_number(status))
}

fn exit_number(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1)
}

/// Makes the kernel send `signal` to the child when this process dies, however it dies.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "prctl must be called by the child itself, between fork and exec")]
fn send_on_death(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // Had the parent died before the line above, no signal would ever come.
        if nix::unistd::getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(nix::libc::ESRCH))
        }
    };
    // SAFETY: The closure makes two system calls that are safe between fork and exec, and neither
    // allocates nor takes a lock. It runs after setuid, which would undo it.
    unsafe { command.pre_exec(ask) };
}

/// Other systems have no such signal: there a `kill -9` of this process leaves its children.
#[cfg(not(target_os = "linux"))]
fn send_on_death(_: &mut Command, _: Signal) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_number_is_a_shells() {
        assert_eq!(exit_number(ExitStatus::from_raw(0)), 0);
        assert_eq!(exit_number(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_number(ExitStatus::from_raw(9)), 137);
    }
}

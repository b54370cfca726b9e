//! Burners: processes that only compute. They run during the measurements, because on most nodes the
//! cores are not idle.
//!
//! Burners are processes and not threads, so that they do not count as CPU time of the load test. The CPU
//! time of a child counts once the child has been waited for, and burners are waited for at the end.

use std::env;
use std::hint::black_box;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};

/// The verb that makes this program a burner.
pub const VERB: &str = "burn";

/// Running burners, which are ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Burners(Vec<Child>);

impl Burners {
    /// Starts this number of burners.
    pub(crate) fn start(count: u32) -> Result<Self> {
        let mut burners = Self(Vec::new());
        for _ in 0..count {
            let program = env::current_exe().context("the path of this program is unknown")?;
            let mut command = Command::new(program);
            command.arg(VERB).stdin(Stdio::piped()).stdout(Stdio::null());
            burners.0.push(command.spawn().context("cannot start a burner")?);
        }
        Ok(burners)
    }

    /// Fails if a burner has ended: the cores were not as busy as the result says.
    pub(crate) fn check(&mut self) -> Result<()> {
        for burner in &mut self.0 {
            if let Some(status) = burner.try_wait().context("cannot see whether a burner runs")? {
                bail!(
                    "a burner has ended ({status}), so the cores were less busy than planned: measure again"
                );
            }
        }
        Ok(())
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for burner in &mut self.0 {
            let _ = burner.kill();
            let _ = burner.wait();
        }
    }
}

/// Computes until standard input ends. The load test holds the other end, which the kernel closes if the
/// load test is killed.
pub fn burn() -> Result<()> {
    thread::Builder::new().spawn(compute).context("cannot start the thread that computes")?;
    io::copy(&mut io::stdin().lock(), &mut io::sink()).context("cannot read standard input")?;
    Ok(())
}

fn compute() {
    let mut number: u64 = 1;
    loop {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

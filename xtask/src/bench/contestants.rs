//! The five servers, on free ports of the loopback interface, until this is dropped.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use super::python;
use crate::cargo;
use crate::listen::free_address;
use crate::process::{self, Group};
use crate::signals::Signals;

const NAMES: [&str; 5] = ["flask", "quart", "axum-pool", "films", "ceiling"];

/// Python takes a while to import.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// One server.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    process: Child,
}

/// All of them.
pub(super) struct Contestants(pub(super) Vec<Contestant>);

impl Contestants {
    /// Starts them, or those of them that are named, each with a pool of 20 in all. Idle ones cost the
    /// measured one nothing.
    pub(super) fn start(database: &str, python: &python::Environments, only: &[String]) -> Result<Self> {
        if let Some(unknown) = only.iter().find(|name| !NAMES.contains(&name.as_str())) {
            bail!("--only: there is no {unknown}; expected some of {}", NAMES.join(", "));
        }
        let mut all = Self(Vec::new());
        // Dropped on the way out if a later one does not start.
        for name in NAMES.into_iter().filter(|name| only.is_empty() || only.iter().any(|only| only == name)) {
            let address = free_address()?;
            let mut command = match name {
                "flask" | "quart" => python.server(name),
                _ => Command::new(cargo::release(name)),
            };
            command.env("DATABASE_URL", database).env("LISTEN", address.to_string()).env("POOL_SIZE", "20");
            command
                .env("FILMS__HTTP__LISTEN", address.to_string())
                .env("FILMS__ADMIN__LISTEN", "127.0.0.1:0");
            command.env("FILMS__SHUTDOWN__LAME_DUCK", "0s").env("FILMS__DATABASE__POOL_SIZE", "20");
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let process = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
            all.0.push(Contestant { name, address, process });
        }
        Ok(all)
    }

    /// Waits until each takes connections; the load test then waits for answers.
    pub(super) fn wait_until_ready(&self, signals: &Signals) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        for Contestant { name, address, .. } in &self.0 {
            while std::net::TcpStream::connect_timeout(address, POLL).is_err() {
                signals.check()?;
                if Instant::now() > deadline {
                    bail!(
                        "{name} does not listen on {address} after {START_TIMEOUT:?}; its own words are above"
                    );
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|contestant| contestant.name == name)
    }

    /// As the load test wants them.
    pub(super) fn targets(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|Contestant { name, address, .. }| format!("{name}=http://{address}"))
    }
}

impl Drop for Contestants {
    fn drop(&mut self) {
        for contestant in &self.0 {
            process::send(&contestant.process, Signal::SIGTERM);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        for Contestant { process, .. } in &mut self.0 {
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(POLL);
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

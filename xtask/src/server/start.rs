//! Starting the server: on a port that is free, until it lets clients in.

use std::fs::{self, File};
use std::iter;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Installation, NAME, POLL, Server, cluster, last_lines};
use crate::say;
use crate::signals::Signals;

/// Crash recovery of a kept folder comes before the server is ready, and may take a while.
const START_TIMEOUT: Duration = Duration::from_mins(1);

impl Server {
    /// Starts the server on the data in `folder`.
    ///
    /// A free port cannot be reserved for a child: between our look and the server's bind somebody
    /// else may take it. Then another is tried.
    pub(super) fn start(
        installation: &Installation,
        folder: &Path,
        settings: &[&str],
        signals: &Signals,
    ) -> Result<Self> {
        let mut attempts = 0;
        loop {
            signals.check()?;
            attempts += 1;
            let port = free_port()?;
            let mut server = Self::launch(installation, folder, settings, port)?;
            match server.wait_until_ready(folder, signals) {
                Err(_) if attempts < 3 && !server.is_running() && is_taken(port) => {}
                ready => return ready.map(|()| server),
            }
        }
    }

    fn launch(installation: &Installation, folder: &Path, settings: &[&str], port: u16) -> Result<Self> {
        let url = format!("postgres://{NAME}:{NAME}@127.0.0.1:{port}/{NAME}");
        let log = folder.join("log");
        let output = File::create(&log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = installation.command("postgres", folder);
        command.arg("-D").arg(folder.join(cluster::DATA)).args(settings);
        command.args(["--listen_addresses=127.0.0.1", "--unix_socket_directories="]);
        command.arg(format!("--port={port}"));
        say(&format!("{installation}: {}", words(&command)));
        say(&format!("  in {}, as {url}", folder.display()));
        command.stdout(output.try_clone()?).stderr(output);
        let process = installation.spawn(&mut command)?;
        Ok(Self { process, log, url, temporary: None })
    }

    /// The server writes its state into `postmaster.pid`, which is where `pg_ctl` looks too. That
    /// its port accepts connections says less: it does so before it lets anybody in.
    fn wait_until_ready(&mut self, folder: &Path, signals: &Signals) -> Result<()> {
        let pid_file = folder.join(cluster::DATA).join("postmaster.pid");
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            self.check()?;
            let state = fs::read_to_string(&pid_file).unwrap_or_default();
            if is_ready(&state, self.process.id()) {
                return Ok(());
            }
            signals.wait(POLL);
            signals.check()?;
        }
        bail!("Postgres is not ready after {START_TIMEOUT:?}: {}", last_lines(&self.log))
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// A command as one would type it.
fn words(command: &Command) -> String {
    let words = iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// `postmaster.pid`: the first line is the process (a crash may have left another's file), the
/// eighth its state.
fn is_ready(pid_file: &str, process: u32) -> bool {
    let mut lines = pid_file.lines().map(str::trim);
    lines.next() == Some(&process.to_string()) && lines.nth(6) == Some("ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PID_FILE: &str = "42\n/data\n1700000000\n5433\n\n127.0.0.1\n  123 45\nready   \n";

    #[test]
    fn readiness_is_this_servers() {
        assert!(is_ready(PID_FILE, 42));
        assert!(!is_ready(PID_FILE, 43), "left by a server that crashed");
        assert!(!is_ready(&PID_FILE.replace("ready", "starting"), 42));
        assert!(!is_ready("", 42));
    }
}

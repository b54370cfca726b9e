//! A running Postgres.

use std::env;
use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::data_dir::{self, DATA, DataDir, NAME};
use super::installation::Installation;
use crate::net::free_address;
use crate::process::{self, Guard, last_lines};
use crate::signals::Signals;
use crate::terminal::say;

/// Crash recovery of persistent data takes a while, and comes before the server is ready.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// For a fast shutdown, which closes all sessions and writes a checkpoint.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings for data that nobody will miss: the server never waits for the disk. Tests use a database
/// each, several at a time, each with its own pool.
const TEMPORARY: &[&str] = &[
    "--fsync=off",
    "--synchronous_commit=off",
    "--full_page_writes=off",
    "--max_connections=200",
    "--max_prepared_transactions=20",
];

/// A running server, which is stopped when this is dropped.
pub(crate) struct Instance {
    // Stops the server before the folder below is deleted.
    process: Guard,
    log: PathBuf,
    url: String,
    _folder: Option<TempDir>,
}

impl Instance {
    /// Starts a server with new data, which are deleted with it.
    pub(crate) fn temporary(installation: &Installation, signals: &Signals) -> Result<Self> {
        let folder = new_folder(&env::temp_dir())?;
        data_dir::create(installation, folder.path(), &["--no-sync"], TEMPORARY)?;
        let instance = Self::start(installation, folder.path(), TEMPORARY, signals)?;
        Ok(Self { _folder: Some(folder), ..instance })
    }

    /// Starts a server on data that stay, with Postgres' default settings.
    pub(crate) fn persistent(installation: &Installation, data: &DataDir, signals: &Signals) -> Result<Self> {
        data.prepare(installation)?;
        Self::start(installation, data.path(), &[], signals)
    }

    /// Returns the URL of the database, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the child, whose children are the sessions.
    pub(super) fn process(&mut self) -> &mut Guard {
        &mut self.process
    }

    /// Returns the id of the server's process. Its children are the sessions.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.child.id()
    }

    /// Fails with the end of the log if the server has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.process.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("Postgres ended ({status}): {}", last_lines(&self.log)),
        }
    }

    /// Starts the server on the data in `folder`, on a free port.
    ///
    /// A free port cannot be reserved for a child. If another program takes the port before the server
    /// binds it, another port is tried.
    fn start(
        installation: &Installation,
        folder: &Path,
        settings: &[&str],
        signals: &Signals,
    ) -> Result<Self> {
        let mut attempts = 0;
        loop {
            signals.check()?;
            attempts += 1;
            let port = free_address()?.port();
            let mut instance = Self::launch(installation, folder, settings, port)?;
            say(&format!("{installation} in {}, as {}", folder.display(), instance.url));
            match instance.wait_until_ready(folder, Some(signals)) {
                Err(_) if attempts < 3 && !instance.process.is_running() && is_taken(port) => {}
                ready => return ready.map(|()| instance),
            }
        }
    }

    /// Starts the server on the data in `folder`, and does not wait until it is ready.
    pub(super) fn launch(
        installation: &Installation,
        folder: &Path,
        settings: &[&str],
        port: u16,
    ) -> Result<Self> {
        let url = format!("postgres://{NAME}:{NAME}@127.0.0.1:{port}/{NAME}");
        let log = folder.join("log");
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = installation.command("postgres", folder);
        command.arg("-D").arg(folder.join(DATA)).args(settings);
        command.args(["--listen_addresses=127.0.0.1", "--unix_socket_directories="]);
        command.arg(format!("--port={port}"));
        command.stdout(output.try_clone()?).stderr(output);
        let process = Guard::new(installation.spawn(&mut command)?, Signal::SIGINT, STOP_TIMEOUT);
        Ok(Self { process, log, url, _folder: None })
    }

    /// Waits until `postmaster.pid` says that the server is ready, which is where `pg_ctl` looks too. The
    /// port would say less: the server opens it before it accepts sessions.
    pub(super) fn wait_until_ready(&mut self, folder: &Path, signals: Option<&Signals>) -> Result<()> {
        let pid_file = folder.join(DATA).join("postmaster.pid");
        let ready = process::until(START_TIMEOUT, signals, || {
            self.check()?;
            let state = fs::read_to_string(&pid_file).unwrap_or_default();
            Ok(is_ready(&state, self.process_id()).then_some(()))
        })?;
        ready.with_context(|| {
            format!("Postgres is not ready after {START_TIMEOUT:?}: {}", last_lines(&self.log))
        })
    }
}

/// Makes a temporary folder for a server's folders.
pub(super) fn new_folder(parent: &Path) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("films-postgres-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot make a folder in {}: set TMPDIR to another", parent.display()))?;
    // The server's user must pass through. The folders inside belong to that user alone.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    Ok(folder)
}

fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// Reads `postmaster.pid`: line 1 is the process (a crash may have left an old file), line 8 the state.
fn is_ready(pid_file: &str, process: u32) -> bool {
    let mut lines = pid_file.lines().map(str::trim);
    lines.next() == Some(&process.to_string()) && lines.nth(6) == Some("ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PID_FILE: &str = "42\n/data\n1700000000\n5433\n\n127.0.0.1\n  123 45\nready   \n";

    #[test]
    fn only_the_file_of_this_server_says_ready() {
        assert!(is_ready(PID_FILE, 42));
        assert!(!is_ready(PID_FILE, 43), "left by a server that crashed");
        assert!(!is_ready(&PID_FILE.replace("ready", "starting"), 42));
        assert!(!is_ready("", 42));
    }
}

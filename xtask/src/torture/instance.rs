//! An instance of the service.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::net::{free_address, responds};
use crate::process::{self, Group, Guard, last_lines};

const READY_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Settings that let an instance notice soon that a fault is over, with a small pool.
const SETTINGS: [(&str, &str); 6] = [
    ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
    ("FILMS__READINESS__INTERVAL", "250ms"),
    ("FILMS__DATABASE__POOL_SIZE", "6"),
    ("FILMS__DATABASE__CONNECT_TIMEOUT", "1s"),
    ("FILMS__DATABASE__QUERY_TIMEOUT", "3s"),
    ("FILMS__LOG__FORMAT", "text"),
];

/// An instance, which can be started again at its addresses.
pub(super) struct Instance {
    name: String,
    program: PathBuf,
    /// Where the service listens.
    pub(super) http: SocketAddr,
    admin: SocketAddr,
    database: String,
    log: PathBuf,
    process: Option<Guard>,
}

impl Instance {
    /// Returns an instance that does not run yet. It reaches Postgres at the URL `database`.
    pub(super) fn new(name: String, program: PathBuf, database: String, log: PathBuf) -> Result<Self> {
        let (http, admin) = (free_address()?, free_address()?);
        Ok(Self { name, program, http, admin, database, log, process: None })
    }

    /// Starts the instance, and returns its name.
    pub(super) fn start(&mut self) -> Result<String> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = Command::new(&self.program);
        command.arg("serve").env("DATABASE_URL", &self.database).envs(SETTINGS);
        command.env("FILMS__HTTP__LISTEN", self.http.to_string());
        command.env("FILMS__ADMIN__LISTEN", self.admin.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = process::spawn(&mut command, Group::Own, Signal::SIGKILL)?;
        self.process = Some(Guard::new(child, Signal::SIGTERM, STOP_TIMEOUT));
        Ok(self.name.clone())
    }

    pub(super) fn kill(&mut self) {
        if let Some(guard) = &mut self.process {
            let _ = guard.child.kill();
        }
        self.process = None;
    }

    /// Stops the instance. Fails if it does not end in time, or with another status than success.
    pub(super) fn stop(&mut self) -> Result<()> {
        let Self { name, log, process, .. } = self;
        let mut guard = process.take().with_context(|| format!("{name} does not run"))?;
        guard.begin_stop();
        let status = process::until(STOP_TIMEOUT, None, || Ok(guard.child.try_wait()?))?;
        let status =
            status.with_context(|| format!("{name} has not stopped {STOP_TIMEOUT:?} after SIGTERM"))?;
        ensure!(status.success(), "{name} stopped with {status}, expected success: {}", last_lines(log));
        Ok(())
    }

    /// Sends a signal, and returns the name of the instance.
    pub(super) fn signal(&self, signal: Signal) -> Result<String> {
        let guard = self.process.as_ref().with_context(|| format!("{} does not run", self.name))?;
        process::send(&guard.child, signal);
        Ok(self.name.clone())
    }

    pub(super) fn await_ready(&mut self) -> Result<()> {
        let Self { name, log, process, admin, .. } = self;
        let guard = process.as_mut().with_context(|| format!("{name} does not run"))?;
        let ready = guard.wait_until(READY_TIMEOUT, None, || responds(*admin, "/readyz"));
        ready.with_context(|| format!("{name} must become ready: {}", last_lines(log)))
    }
}

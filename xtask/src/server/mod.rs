//! A private Postgres: which programs it runs, the folder it keeps, when it is ready, its end.
//!
//! `postgres` is run as a plain child process, not through `pg_ctl`, which would detach it: so it
//! can be waited for, and ends when this process does, however that happens.

mod account;
mod cluster;
mod download;
pub(crate) mod home;
mod installation;
mod start;

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use tempfile::TempDir;

pub(crate) use self::cluster::DataFolder;
pub(crate) use self::installation::Installation;
use crate::process;
use crate::signals::Signals;

/// User, password and database of every server here: those of the service's defaults.
const NAME: &str = "dvdrental";
/// Between two looks at whether the server is ready, or gone.
const POLL: Duration = Duration::from_millis(20);
/// For a fast shutdown, which ends the clients' sessions and writes a checkpoint.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// For a server whose data nobody will miss: it never waits for the disk. The tests use a database
/// each, several at a time, each with a pool of its own.
const THROW_AWAY: &[&str] =
    &["--fsync=off", "--synchronous_commit=off", "--full_page_writes=off", "--max_connections=200"];

/// A running server, which is stopped when this is dropped.
pub(crate) struct Server {
    process: Child,
    log: PathBuf,
    url: String,
    temporary: Option<TempDir>,
}

impl Server {
    /// Starts a server with a folder of its own that goes away with it.
    pub(crate) fn throw_away(installation: &Installation, signals: &Signals) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("films-postgres-").tempdir().with_context(|| {
            let parent = env::temp_dir();
            format!("no temporary folder in {}; TMPDIR names another", parent.display())
        })?;
        // The server's user may pass through; what is inside is that user's alone.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        cluster::create(installation, folder.path(), &["--no-sync"], THROW_AWAY)?;
        let mut server = Self::start(installation, folder.path(), THROW_AWAY, signals)?;
        server.temporary = Some(folder);
        Ok(server)
    }

    /// Starts a server on a folder that stays, with the settings of a server whose data matter.
    pub(crate) fn kept(installation: &Installation, folder: &DataFolder, signals: &Signals) -> Result<Self> {
        folder.prepare(installation)?;
        Self::start(installation, folder.path(), &[], signals)
    }

    /// Where the database is, password included.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The server's process, below which are those of its sessions.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Fails, with the end of its log, if the server has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("Postgres ended ({status}): {}", last_lines(&self.log)),
        }
    }

    fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let deadline = Instant::now() + STOP_TIMEOUT;
        if self.is_running() {
            process::send(&self.process, Signal::SIGINT);
        }
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.temporary.take();
    }
}

/// The end of a log on one line, for an error.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

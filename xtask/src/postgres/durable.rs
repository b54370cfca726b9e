//! A Postgres that may be killed. The server keeps its data on disk, and starts again on them at the same port.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::data_dir::{self, DATA, NAME};
use super::installation::Installation;
use super::instance::{Instance, STOP_TIMEOUT, new_folder};
use crate::net::free_address;
use crate::process::until;

/// Settings of all these servers: few connections, so that they can be used up, and a replica that finds its
/// primary soon after a restart.
const SETTINGS: &[&str] =
    &["--max_connections=32", "--wal_keep_size=128MB", "--wal_retrieve_retry_interval=200ms"];

/// A server with data that outlive its processes, but not this value.
pub(crate) struct Durable {
    // Stops before its folder is deleted.
    running: Option<Instance>,
    port: u16,
    folder: TempDir,
}

impl Durable {
    /// Makes a server with new data in a folder of its own in `parent`, and starts it.
    pub(crate) fn create(installation: &Installation, parent: &Path) -> Result<Self> {
        let folder = new_folder(parent)?;
        data_dir::create(installation, folder.path(), &[], SETTINGS)?;
        Self::started(installation, folder)
    }

    /// Makes a replica of a running server, and starts it.
    pub(crate) fn replica_of(installation: &Installation, primary: &Self, parent: &Path) -> Result<Self> {
        let folder = new_folder(parent)?;
        let data = folder.path().join(DATA);
        data_dir::make(installation, &data)?;
        let mut command = installation.command("pg_basebackup", folder.path());
        command.arg("--pgdata").arg(&data).arg("--dbname").arg(primary.url());
        command.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]);
        data_dir::finish(installation, &mut command, "")?;
        Self::started(installation, folder)
    }

    fn started(installation: &Installation, folder: TempDir) -> Result<Self> {
        let mut server = Self { running: None, port: free_address()?.port(), folder };
        server.start(installation)?;
        Ok(server)
    }

    /// Starts the server unless it runs, and waits until it accepts sessions.
    pub(crate) fn start(&mut self, installation: &Installation) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        self.running = None;
        let mut instance = Instance::launch(installation, self.folder.path(), SETTINGS, self.port)?;
        instance.wait_until_ready(self.folder.path(), None)?;
        self.running = Some(instance);
        Ok(())
    }

    /// Tells whether the server runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|instance| instance.process().is_running())
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of the database, with the password.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{NAME}:{NAME}@127.0.0.1:{}/{NAME}", self.port)
    }

    /// Returns the folder of the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills all processes of the server, and waits until they are gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let processes = self.processes();
        self.signal(Signal::SIGKILL);
        self.running = None;
        // A process that is left holds the shared memory, with which no other server starts.
        let gone = until(STOP_TIMEOUT, None, || {
            Ok(processes.iter().all(|id| signal::kill(*id, None).is_err()).then_some(()))
        })?;
        gone.with_context(|| format!("Postgres at port {} still has processes after SIGKILL", self.port))
    }

    /// Sends a signal to all processes of the server.
    pub(crate) fn signal(&self, signal: Signal) {
        for id in self.processes() {
            let _ = signal::kill(id, signal);
        }
    }

    /// Returns the server's process, and its children.
    fn processes(&self) -> Vec<Pid> {
        let Some(Ok(server)) = self.running.as_ref().map(|instance| i32::try_from(instance.process_id()))
        else {
            return Vec::new();
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = entries.filter_map(|entry| child_of(server, &entry.path()));
        [server].into_iter().chain(children).map(Pid::from_raw).collect()
    }
}

/// Returns the id of a process of /proc, if `parent` is its parent. Its name may contain any character, so
/// the state and the parent are read after the last parenthesis.
fn child_of(parent: i32, process: &Path) -> Option<i32> {
    let id = process.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let found: i32 = rest.split_whitespace().nth(1)?.parse().ok()?;
    (found == parent).then_some(id)
}

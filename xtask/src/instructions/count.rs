//! The service under valgrind, which counts what it executes.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::connection::Connection;
use super::relay;
use crate::cargo;
use crate::listen::free_address;
use crate::process::{self, Group};
use crate::server::last_lines;
use crate::signals::Signals;

/// Of the two runs. What the first requests bring about is over long before the last of the shorter
/// one, and two starts differ by less than one request in the difference.
const REQUESTS: [u32; 2] = [200, 1_000];
/// Some fifty times slower than without valgrind.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// One request and the answer to it. `{etag}` in it is the film's.
pub(super) struct HotPath {
    pub(super) name: &'static str,
    pub(super) request: &'static str,
    pub(super) status: u16,
}

/// Counts with one database.
pub(super) struct Counter<'a> {
    /// By way of the relay.
    database: String,
    signals: &'a Signals,
    folder: PathBuf,
}

impl<'a> Counter<'a> {
    pub(super) fn new(database: &str, signals: &'a Signals) -> Result<Self> {
        let database = relayed(database)?;
        let folder = cargo::target().join("instructions");
        fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(Self { database, signals, folder })
    }

    /// What one request takes: the difference of two runs, in which start and stop cancel out.
    pub(super) fn instructions(&self, path: &HotPath) -> Result<u64> {
        let counted = |requests| {
            let run = self.run(path, requests);
            run.with_context(|| format!("{} could not be counted", path.name))
        };
        let [few, many] = REQUESTS;
        let (first, second) = (counted(few)?, counted(many)?);
        Ok(second.saturating_sub(first) / u64::from(many - few))
    }

    /// The instructions of one instance, from its start to its end.
    fn run(&self, path: &HotPath, requests: u32) -> Result<u64> {
        let profile = self.folder.join(path.name).with_extension("callgrind");
        let mut service = Service::start(&self.database, &profile)?;
        let mut connection = service.connect(self.signals)?;
        let etag = connection.ask("GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n")?.etag;
        let request = path.request.replace("{etag}", &etag);
        for _ in 0..requests {
            self.signals.check()?;
            // The service is asleep by then, as it is when it waits for Postgres.
            thread::sleep(relay::PAUSE);
            let status = connection.ask(&request)?.status;
            if status != path.status {
                bail!("the answer has the status {status} and not {}", path.status);
            }
        }
        drop(connection);
        service.stop(self.signals)?;
        total(&profile)
    }
}

/// An instance, which ends with this at the latest.
struct Service {
    process: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Service {
    fn start(database: &str, profile: &Path) -> Result<Self> {
        let (address, log) = (free_address()?, profile.with_extension("log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new("valgrind");
        // Settings of the user's, for the service or valgrind, would be counted.
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.args(["--tool=callgrind", "--quiet", "--vgdb=no"]);
        command.arg(format!("--callgrind-out-file={}", profile.display()));
        command.arg(cargo::release("films")).arg("serve");
        command.env("DATABASE_URL", database).env("FILMS__HTTP__LISTEN", address.to_string());
        command.env("FILMS__ADMIN__LISTEN", "127.0.0.1:0").env("FILMS__SHUTDOWN__LAME_DUCK", "0s");
        command.env("FILMS__HTTP__THREADS", "1").env("FILMS__READINESS__INTERVAL", "1h");
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let process = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
        Ok(Self { process, address, log })
    }

    /// Attempts that come too early are refused by the kernel, and so do not count; asking the
    /// service whether it is ready would.
    fn connect(&mut self, signals: &Signals) -> Result<Connection> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Ok(connection) = Connection::open(self.address) {
                return Ok(connection);
            }
            self.pause(deadline, signals, "does not listen")?;
            if let Some(status) = self.process.try_wait()? {
                bail!("the service ended ({status}): {}", last_lines(&self.log));
            }
        }
    }

    fn stop(mut self, signals: &Signals) -> Result<()> {
        process::send(&self.process, Signal::SIGTERM);
        let status = self.wait(signals)?;
        if !status.success() {
            bail!("the service failed as it stopped ({status}): {}", last_lines(&self.log));
        }
        Ok(())
    }

    fn wait(&mut self, signals: &Signals) -> Result<ExitStatus> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            self.pause(deadline, signals, "does not stop")?;
        }
    }

    fn pause(&self, deadline: Instant, signals: &Signals, complaint: &str) -> Result<()> {
        signals.check()?;
        if Instant::now() > deadline {
            bail!("the service {complaint}: {}", last_lines(&self.log));
        }
        thread::sleep(POLL);
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The URL of the same database behind a relay.
fn relayed(url: &str) -> Result<String> {
    let ports = url.parse::<postgres::Config>()?.get_ports().to_vec();
    let port = *ports.first().context("the URL of the database has no port")?;
    let direct = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(url.replace(&direct.to_string(), &relay::start(direct)?.to_string()))
}

/// The sum at the end of a profile.
fn total(profile: &Path) -> Result<u64> {
    let text =
        fs::read_to_string(profile).with_context(|| format!("valgrind wrote no {}", profile.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.with_context(|| format!("{} has no line \"totals: …\"", profile.display()))
}

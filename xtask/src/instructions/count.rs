//! Counts the instructions of the service, under valgrind.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use postgres::{Client, NoTls};

use super::connection::Connection;
use super::relay;
use crate::cargo;
use crate::net::free_address;
use crate::process::{self, Group, Guard, last_lines};
use crate::signals::Signals;

/// Requests of the two runs. The work of the first requests ends long before the shorter run does, and
/// two starts differ by less than a request.
const REQUESTS: [u32; 2] = [200, 1_000];
/// valgrind makes the service some fifty times slower.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A request, and the status of its response. `{etag}` stands for the film's `ETag`.
pub(super) struct HotPath {
    pub(super) name: &'static str,
    pub(super) request: &'static str,
    pub(super) status: u16,
    /// Length of a read lease, as Postgres writes intervals.
    pub(super) lease: &'static str,
}

/// Counts with a database.
pub(super) struct Counter<'a> {
    /// URL of the database.
    direct: String,
    /// URL of the database behind the relay.
    database: String,
    signals: &'a Signals,
    folder: PathBuf,
}

impl<'a> Counter<'a> {
    /// Returns a counter with this database.
    pub(super) fn new(database: &str, signals: &'a Signals) -> Result<Self> {
        let (direct, database) = (database.to_owned(), relayed(database)?);
        let folder = cargo::target()?.join("instructions");
        fs::create_dir_all(&folder).with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(Self { direct, database, signals, folder })
    }

    /// Returns the instructions of a request: the difference of two runs, without start and stop.
    pub(super) fn instructions(&self, path: &HotPath) -> Result<u64> {
        let counted = |requests| {
            let run = self.run(path, requests);
            run.with_context(|| format!("{} could not be counted", path.name))
        };
        self.set_lease(path.lease)?;
        let [few, many] = REQUESTS;
        let (first, second) = (counted(few)?, counted(many)?);
        Ok(second.saturating_sub(first) / u64::from(many - few))
    }

    fn set_lease(&self, length: &str) -> Result<()> {
        let mut client = Client::connect(&self.direct, NoTls)?;
        client
            .execute("update film_catalogue set lease = $1::text::interval", &[&length])
            .context("cannot set the length of a read lease")?;
        Ok(())
    }

    /// Returns the instructions of an instance, from its start to its end.
    fn run(&self, path: &HotPath, requests: u32) -> Result<u64> {
        let profile = self.folder.join(path.name).with_extension("callgrind");
        let mut service = Service::start(&self.database, &profile)?;
        let mut connection = service.connect(self.signals)?;
        service.wait_for_check(self.signals)?;
        let etag = connection.send("GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n")?.etag;
        let request = path.request.replace("{etag}", &etag);
        for _ in 0..requests {
            self.signals.check()?;
            // The service must sleep when the request arrives, as it does when it waits for Postgres.
            thread::sleep(relay::PAUSE);
            let status = connection.send(&request)?.status;
            ensure!(status == path.status, "expected status {}, got {status}", path.status);
        }
        drop(connection);
        service.stop(self.signals)?;
        total(&profile)
    }
}

/// An instance of the service. A dropped instance is killed, because nobody reads its profile any more.
struct Service {
    process: Guard,
    address: SocketAddr,
    log: PathBuf,
}

impl Service {
    fn start(database: &str, profile: &Path) -> Result<Self> {
        let (address, log) = (free_address()?, profile.with_extension("log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new("valgrind");
        // The user's settings for the service or valgrind would change the count.
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.args(["--tool=callgrind", "--quiet", "--vgdb=no"]);
        command.arg(format!("--callgrind-out-file={}", profile.display()));
        command.arg(cargo::program("films", true)?).arg("serve");
        command.env("DATABASE_URL", database).env("FILMS__HTTP__LISTEN", address.to_string());
        command.env("FILMS__ADMIN__LISTEN", "127.0.0.1:0").env("FILMS__SHUTDOWN__LAME_DUCK", "0s");
        command.env("FILMS__HTTP__THREADS", "1").env("FILMS__READINESS__INTERVAL", "1h");
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
        Ok(Self { process: Guard::new(child, Signal::SIGKILL, STOP_TIMEOUT), address, log })
    }

    /// Connects as soon as the service listens. The kernel refuses earlier attempts, so they cost the
    /// service no instruction; requests to `/readyz` would.
    fn connect(&mut self, signals: &Signals) -> Result<Connection> {
        let connection = process::until(START_TIMEOUT, Some(signals), || {
            if let Some(status) = self.process.child.try_wait()? {
                bail!("the service ended ({status}): {}", last_lines(&self.log));
            }
            Ok(Connection::open(self.address).ok())
        })?;
        connection.with_context(|| self.complaint("does not listen", START_TIMEOUT))
    }

    /// Waits for the first check of the database, after which responses are cached. Reads its line in the
    /// log, because requests to `/readyz` would be counted.
    fn wait_for_check(&self, signals: &Signals) -> Result<()> {
        let checked = process::until(START_TIMEOUT, Some(signals), || {
            let log = fs::read_to_string(&self.log)?;
            Ok(log.contains("the database is up").then_some(()))
        })?;
        checked.with_context(|| self.complaint("does not reach its database", START_TIMEOUT))
    }

    /// Stops the service, which writes the profile then.
    fn stop(mut self, signals: &Signals) -> Result<()> {
        process::send(&self.process.child, Signal::SIGTERM);
        let status = process::until(STOP_TIMEOUT, Some(signals), || Ok(self.process.child.try_wait()?))?;
        let status = status.with_context(|| self.complaint("does not stop", STOP_TIMEOUT))?;
        ensure!(status.success(), "the service failed at its stop ({status}): {}", last_lines(&self.log));
        Ok(())
    }

    fn complaint(&self, complaint: &str, timeout: Duration) -> String {
        format!("the service {complaint} within {timeout:?}: {}", last_lines(&self.log))
    }
}

/// Returns the URL of the same database behind a relay.
fn relayed(url: &str) -> Result<String> {
    let ports = url.parse::<postgres::Config>()?.get_ports().to_vec();
    let port = *ports.first().context("the URL of the database has no port")?;
    let direct = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(url.replace(&direct.to_string(), &relay::start(direct)?.to_string()))
}

/// Returns the sum at the end of a profile.
fn total(profile: &Path) -> Result<u64> {
    let text =
        fs::read_to_string(profile).with_context(|| format!("valgrind wrote no {}", profile.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.with_context(|| format!("{} has no line \"totals: …\"", profile.display()))
}

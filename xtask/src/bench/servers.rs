//! The servers of a benchmark, on free ports of the loopback interface.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::baselines::{self, Baseline, Database, FILMS};
use crate::cargo;
use crate::net::free_address;
use crate::process::{self, Group, Guard};
use crate::python::environment;
use crate::signals::Signals;

/// Python needs a while for its imports.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(50);

pub(super) struct BenchServer {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    process: Guard,
}

/// All servers of a run, which are stopped when this is dropped.
pub(super) struct BenchServers(pub(super) Vec<BenchServer>);

/// Tells whether the server of this name stores reviews.
pub(super) fn stores_reviews(name: &str) -> Result<bool> {
    let baseline = baselines::all()?.get(name);
    Ok(baseline.map_or(name == FILMS, |baseline| baseline.database == Database::Pool))
}

impl BenchServers {
    /// Starts the servers, each with a pool of 20 connections in all. While one server is measured, the
    /// others are idle and cost nothing.
    pub(super) fn start(database: &str, names: &[&'static str]) -> Result<Self> {
        let mut servers = Self(Vec::new());
        for &name in names {
            let address = free_address()?;
            let mut command = command(name)?;
            command.env("DATABASE_URL", database).env("LISTEN", address.to_string()).env("POOL_SIZE", "20");
            command
                .env("FILMS__HTTP__LISTEN", address.to_string())
                .env("FILMS__ADMIN__LISTEN", "127.0.0.1:0");
            command.env("FILMS__SHUTDOWN__LAME_DUCK", "0s").env("FILMS__DATABASE__POOL_SIZE", "20");
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let child = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
            let process = Guard::new(child, Signal::SIGTERM, STOP_TIMEOUT);
            servers.0.push(BenchServer { name, address, process });
        }
        Ok(servers)
    }

    /// Waits until every server accepts connections. The load test then waits for their responses.
    pub(super) fn wait_until_ready(&self, signals: &Signals) -> Result<()> {
        for BenchServer { name, address, .. } in &self.0 {
            let connected = process::until(START_TIMEOUT, Some(signals), || {
                Ok(TcpStream::connect_timeout(address, CONNECT_TIMEOUT).ok())
            })?;
            connected.with_context(|| {
                format!("{name} does not listen on {address} after {START_TIMEOUT:?}: its messages are above")
            })?;
        }
        Ok(())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|server| server.name == name)
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|BenchServer { name, address, .. }| format!("{name}=http://{address}"))
    }
}

impl Drop for BenchServers {
    /// Stops all servers at once. Then every guard waits for its server.
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|server| server.process.begin_stop());
    }
}

/// Tells whether one of the servers is a Python application.
pub(super) fn need_python(names: &[&str]) -> Result<bool> {
    Ok(environments(names)?.next().is_some())
}

/// Makes the virtual environments of the servers that need one.
pub(super) fn prepare_python(names: &[&str]) -> Result<()> {
    environments(names)?.try_for_each(|(name, folder)| environment(name, folder).map(drop))
}

/// Returns the servers that are Python applications, each with its folder.
fn environments<'a>(names: &'a [&str]) -> Result<impl Iterator<Item = (&'a str, &'static str)>> {
    let baselines = baselines::all()?;
    Ok(names.iter().filter_map(|&name| Some((name, baselines.get(name)?.venv.as_deref()?))))
}

/// Returns the command that starts a server.
fn command(name: &str) -> Result<Command> {
    let Some(Baseline { command: words, venv, .. }) = baselines::all()?.get(name) else {
        return Ok(Command::new(cargo::program(name, true)?));
    };
    let mut command = match venv {
        Some(folder) => {
            let mut command = Command::new(environment(name, folder)?.join("bin").join(&words[0]));
            command.current_dir(cargo::workspace().join(folder)).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        }
        None => Command::new(cargo::program(&words[0], true)?),
    };
    command.args(&words[1..]);
    Ok(command)
}

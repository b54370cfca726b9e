//! `cargo xtask schemathesis`: whether the service does what its OpenAPI document says.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use crate::cargo;
use crate::net::{free_address, responds};
use crate::postgres::{self, Source};
use crate::process::{self, Group, Guard};
use crate::python;
use crate::signals::Signals;

/// The versions, the settings with their reasons, and our own checks.
const FOLDER: &str = ".ci/schemathesis";
const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Send thousands of requests that fit docs/openapi.json or not, and compare the responses with it.
///
/// Schemathesis makes up the requests, the same ones in each run. It takes about a minute. The database is
/// temporary.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Further arguments for Schemathesis, for instance `-- --seed 2`.
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

/// Runs the verb. Steps that often fail come before anything is started.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let environment = python::environment("schemathesis", FOLDER)?;
    cargo::build(&["films"], false)?;

    let (instance, signals) = postgres::start(&args.source)?;
    cargo::prepare(instance.url(), false, &signals)?;
    let address = free_address()?;
    let _service = start(instance.url(), address, &signals)?;
    let mut schemathesis = command(&environment.join("bin/schemathesis"), address)?;
    let status = process::run(schemathesis.args(&args.rest), Group::Own, &signals)?;
    Ok(process::exit_code(status))
}

fn start(database: &str, address: SocketAddr, signals: &Signals) -> Result<Guard> {
    let mut command = Command::new(cargo::program("films", false)?);
    command.arg("serve").env("DATABASE_URL", database).env("FILMS__HTTP__LISTEN", address.to_string());
    command.env("FILMS__ADMIN__LISTEN", "127.0.0.1:0").env("FILMS__SHUTDOWN__LAME_DUCK", "0s");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
    let mut service = Guard::new(child, Signal::SIGTERM, STOP_TIMEOUT);
    let ready = service.wait_until(START_TIMEOUT, Some(signals), || responds(address, "/films/1/"));
    ready.context("the service must return a film: its messages are above")?;
    Ok(service)
}

fn command(program: &Path, address: SocketAddr) -> Result<Command> {
    let folder = cargo::workspace().join(FOLDER);
    // Schemathesis writes what it found into the current folder, for `st replay`.
    let output = cargo::target()?.join("schemathesis");
    fs::create_dir_all(&output).with_context(|| format!("cannot write to {}", output.display()))?;
    let mut command = Command::new(program);
    command.arg("--config-file").arg(folder.join("schemathesis.toml"));
    // From the file: Schemathesis would not test the route that it has loaded the document from.
    command.args(["run", "--no-color", "--url", &format!("http://{address}")]);
    command.arg(cargo::workspace().join("docs/openapi.json"));
    command.current_dir(output).env("PYTHONPATH", &folder).env("SCHEMATHESIS_HOOKS", "checks");
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    Ok(command)
}

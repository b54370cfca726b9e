//! `cargo xtask postgres`: a Postgres for one command.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;

use crate::cargo;
use crate::postgres::{self, Source};
use crate::process::{self, Group};

/// Start a temporary Postgres, run a command with its `DATABASE_URL`, and remove it again.
///
/// Exits with the command's status. Without a command, prints the URL and waits for Ctrl-C.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// The command, for instance `-- psql` or `-- cargo test`.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut words = args.command.into_iter();
    match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(words);
            cargo::remove_variables(&mut command);
            run_with_database(&args.source, command)
        }
        None => wait_for_signal(&args.source),
    }
}

/// Runs `command` with a temporary database, and returns its exit status.
pub(crate) fn run_with_database(source: &Source, mut command: Command) -> Result<ExitCode> {
    let (instance, signals) = postgres::start(source)?;
    command.env("DATABASE_URL", instance.url());
    let status = process::run(&mut command, Group::Shared, &signals)?;
    Ok(process::exit_code(status))
}

fn wait_for_signal(source: &Source) -> Result<ExitCode> {
    let (mut instance, signals) = postgres::start(source)?;
    println!("{}", instance.url());
    while signals.wait(Duration::MAX).is_none() {
        instance.check()?;
    }
    Ok(ExitCode::SUCCESS)
}

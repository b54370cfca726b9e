//! `cargo xtask postgres`: a Postgres for as long as one command runs.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;

use crate::process::{self, Group};
use crate::server::{Installation, Server};
use crate::signals::Signals;

/// Start a throw-away Postgres, run a command with its `DATABASE_URL`, and remove it again.
///
/// Ends with the command's exit status. Without a command it prints the URL and waits for Ctrl-C.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// What to run, for instance `-- psql` or `-- cargo test`.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Where Postgres comes from; for every verb that starts one.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// Use the downloaded Postgres even where the machine has its own.
    #[arg(long)]
    pub(crate) download: bool,
}

/// The verb.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut words = args.command.into_iter();
    match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(words);
            run_with_database(&args.source, command)
        }
        None => wait_for_signal(&args.source),
    }
}

/// Runs `command` with a database of its own and passes on its exit status.
pub(crate) fn run_with_database(source: &Source, mut command: Command) -> Result<ExitCode> {
    let (server, signals) = start(source)?;
    command.env("DATABASE_URL", server.url());
    let status = process::run(&mut command, Group::Shared, &signals)?;
    Ok(process::exit_code(status))
}

/// Starts the throw-away server. Signals are caught only now: until here, where a download may take
/// its time, nothing has to be stopped.
pub(crate) fn start(source: &Source) -> Result<(Server, Signals)> {
    let installation = Installation::find(source.download)?;
    let signals = Signals::catch()?;
    let server = Server::throw_away(&installation, &signals)?;
    Ok((server, signals))
}

fn wait_for_signal(source: &Source) -> Result<ExitCode> {
    let (mut server, signals) = start(source)?;
    println!("{}", server.url());
    while signals.wait(Duration::MAX).is_none() {
        server.check()?;
    }
    Ok(ExitCode::SUCCESS)
}

//! `cargo xtask sqlx`: the checked queries, for builds without a database.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::cargo;
use crate::postgres::{self, Source};
use crate::process::{self, Group};

/// Refresh .sqlx/, against which a build without a database checks the queries.
///
/// Run it after a change to a query or a migration, and commit the result.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Change nothing. Fail if .sqlx/ is out of date.
    #[arg(long)]
    check: bool,
}

/// Runs the verb. sqlx's own tool applies the migrations: the service cannot do it, because it does not
/// compile as long as .sqlx/ lacks one of its queries.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if process::output(&mut sqlx(&["--version"])).is_err() {
        bail!(
            "cargo-sqlx is not installed: cargo install sqlx-cli --version 0.9.0 --locked \
             --no-default-features --features postgres,rustls"
        );
    }
    let (instance, signals) = postgres::start(&args.source)?;
    let mut migrate = sqlx(&["migrate", "run"]);
    migrate.env("DATABASE_URL", instance.url());
    let mut status = process::run(&mut migrate, Group::Shared, &signals)?;
    if status.success() {
        let mut prepare = sqlx(&["prepare"]);
        // The queries of the tests count as well.
        prepare.args(args.check.then_some("--check")).args(["--", "--all-targets"]);
        prepare.env("DATABASE_URL", instance.url());
        status = process::run(&mut prepare, Group::Shared, &signals)?;
    }
    Ok(process::exit_code(status))
}

/// Returns `cargo sqlx` for the service, which reads the database and not .sqlx/.
fn sqlx(args: &[&str]) -> Command {
    let mut command = cargo::cargo();
    command.arg("sqlx").args(args).current_dir(cargo::workspace()).env("SQLX_OFFLINE", "false");
    command
}

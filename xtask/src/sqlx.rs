//! `cargo xtask sqlx`: what building without a database needs to know of the queries.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::cargo;
use crate::postgres::{self, Source};
use crate::process::{self, Group};

/// Refresh .sqlx/, by which queries are checked where there is no database.
///
/// Run it after changing a query or a migration, and commit the result.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Change nothing; fail if .sqlx/ is out of date.
    #[arg(long)]
    check: bool,
}

/// The verb. The migrations are applied by sqlx's own tool: the service cannot be built, and so
/// cannot migrate, as long as .sqlx/ lacks one of its queries.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if !sqlx(&["--version"]).output().is_ok_and(|output| output.status.success()) {
        bail!(
            "cargo-sqlx is not installed: cargo install sqlx-cli --version 0.9.0 --locked \
             --no-default-features --features postgres,rustls"
        );
    }
    let (server, signals) = postgres::start(&args.source)?;
    let mut migrate = sqlx(&["migrate", "run"]);
    migrate.env("DATABASE_URL", server.url());
    let mut status = process::run(&mut migrate, Group::Shared, &signals)?;
    if status.success() {
        let mut prepare = prepare(args.check);
        prepare.env("DATABASE_URL", server.url());
        status = process::run(&mut prepare, Group::Shared, &signals)?;
    }
    Ok(process::exit_code(status))
}

fn prepare(check: bool) -> Command {
    let mut command = sqlx(&["prepare"]);
    command.args(check.then_some("--check"));
    // The tests' queries count as well.
    command.args(["--", "--all-targets"]);
    command
}

/// `cargo sqlx` on the service's package, asking the database rather than .sqlx/.
fn sqlx(args: &[&str]) -> Command {
    let mut command = cargo::cargo();
    command.arg("sqlx").args(args).current_dir(cargo::workspace()).env("SQLX_OFFLINE", "false");
    command
}

//! `cargo xtask test`: the tests, with the database that they need.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::postgres::run_with_database;
use crate::cargo;
use crate::postgres::Source;
use crate::python;

/// Run `cargo test --workspace` with a temporary Postgres.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Arguments for `cargo test`, for instance `-- --test api reviews`.
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let mut command = cargo::cargo();
    command.args(["test", "--workspace"]).args(args.rest);
    // One test reads a page of metrics with a Python program.
    let environment = python::environment("openmetrics", ".ci/openmetrics").context(
        "the tests need Python 3 with venv, and the network once. `cargo xtask postgres -- cargo test` leaves out the \
         test that does",
    )?;
    command.env("FILMS_TEST_OPENMETRICS", environment.join("bin/python"));
    run_with_database(&args.source, command)
}

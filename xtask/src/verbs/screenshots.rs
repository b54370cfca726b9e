//! `cargo xtask screenshots`: the pictures of the page in docs/.

use std::process::ExitCode;

use anyhow::Result;

use super::postgres::run_with_database;
use crate::cargo;
use crate::postgres::Source;

/// The test that takes the pictures. It drives the browser as the tests of the page do.
const TEST: &str = "browser::screenshots::screenshots";

/// Write docs/page*.png, with Chromium and a load of a minute; commit the result.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut command = cargo::cargo();
    command.args(["test", "--workspace", "--test", "api", "--", "--ignored", "--exact", TEST]);
    run_with_database(&args.source, command)
}

//! What the service prints about itself.

use std::process::Command;

use anyhow::Result;

use crate::cargo;
use crate::process;

/// Builds the service, and returns what it prints for these arguments.
pub(super) fn prints(arguments: &[&str]) -> Result<String> {
    cargo::build(&["films"], false)?;
    process::output(Command::new(cargo::program("films", false)?).args(arguments))
}

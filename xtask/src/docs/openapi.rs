//! The OpenAPI document of the service.

use std::process::Command;

use anyhow::Result;

use crate::cargo;
use crate::process;

/// Returns the document that `films openapi` prints and `/openapi.json` serves.
pub(super) fn of_service() -> Result<String> {
    cargo::build(&["films"], false)?;
    process::output(Command::new(cargo::program("films", false)?).arg("openapi"))
}

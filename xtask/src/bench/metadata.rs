//! Tools that a benchmark needs, and what a reader of the report must know about the run.

use std::process::Command;

use anyhow::{Context, Result};
use loadtest::workload::{Tool, Workload};

use super::servers::need_python;
use crate::cargo;
use crate::terminal::say;

/// Fails if a tool is missing that the run needs, before anything takes time.
pub(super) fn check_tools(workload: &Workload, servers: &[&str]) -> Result<()> {
    if need_python(servers)? {
        let version = cargo::version(Command::new("python3").arg("--version"));
        version.context("the Python baselines need python3: apt-get install python3-venv")?;
    }
    workload.tool().version()?;
    if let Err(missing) = Tool::K6.version() {
        say(&format!("The workloads slo, spike and soak cannot be measured here: {missing}"));
    }
    Ok(())
}

/// Returns the versions of everything that takes part, by name.
pub(super) fn collect(postgres: u32, servers: &[&str]) -> Result<Vec<(&'static str, String)>> {
    let missing = || "not installed: slo, spike and soak cannot be measured here".to_owned();
    let mut metadata = vec![
        ("films", cargo::version(Command::new(cargo::program("films", true)?).arg("--version"))?),
        ("rustc", cargo::version(Command::new("rustc").arg("--version"))?),
        ("postgres", format!("{postgres}, default settings")),
        ("k6", Tool::K6.version().unwrap_or_else(|_| missing())),
        ("place", "one machine: generator, servers and Postgres share its cores".to_owned()),
    ];
    if need_python(servers)? {
        metadata.push(("python", cargo::version(Command::new("python3").arg("--version"))?));
    }
    Ok(metadata)
}

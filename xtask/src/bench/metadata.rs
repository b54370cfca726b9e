//! Tools that a benchmark needs, and what a reader of the report must know about the run.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use loadtest::workload::{Tool, Workload};

use super::python;
use crate::cargo;
use crate::process;
use crate::terminal::say;

/// Fails if a tool is missing that the run needs, before anything takes time.
pub(super) fn check_tools(workload: &Workload, servers: &[&str]) -> Result<()> {
    if python::is_needed(servers)? {
        let version = version(Command::new("python3").arg("--version"));
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
        ("films", version(Command::new(cargo::program("films", true)?).arg("--version"))?),
        ("rustc", version(Command::new("rustc").arg("--version"))?),
        ("postgres", format!("{postgres}, default settings")),
        ("k6", Tool::K6.version().unwrap_or_else(|_| missing())),
        ("place", "one machine: generator, servers and Postgres share its cores".to_owned()),
    ];
    if python::is_needed(servers)? {
        metadata.push(("python", version(Command::new("python3").arg("--version"))?));
    }
    Ok(metadata)
}

/// Returns what a program prints as its version. Fails if the program fails or prints nothing.
fn version(command: &mut Command) -> Result<String> {
    let text = process::output(command.current_dir(cargo::workspace()))?;
    ensure!(!text.trim().is_empty(), "`{}` printed nothing, expected a version", process::words(command));
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_version_is_an_error() -> Result<()> {
        for (script, expected) in [("exit 1", "failed (exit status: 1)"), ("true", "printed nothing")] {
            let error = version(Command::new("sh").args(["-c", script])).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(version(Command::new("echo").arg("v1"))?, "v1");
        Ok(())
    }
}

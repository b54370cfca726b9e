//! Cargo, and the programs of this workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::process::{self, Group};
use crate::signals::Signals;

/// Returns the cargo that runs this program, so that the same toolchain builds everything.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    remove_variables(&mut command);
    command
}

/// Removes the variables that cargo has set for this program.
///
/// Build scripts that watch them, such as ring's, would otherwise run again at every switch between
/// `cargo xtask` and `cargo build`.
pub(crate) fn remove_variables(command: &mut Command) {
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
}

/// Returns the folder of the workspace. Read at run time, because a checkout may move after the build.
pub(crate) fn workspace() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

/// Builds programs of this workspace. Call it before anything is started that would then be in vain.
///
/// A release build has the features that the package needs, as the images have. A debug build has those that
/// the workspace needs, so that it uses the dependencies that were compiled for this program.
pub(crate) fn build(packages: &[&str], release: bool) -> Result<()> {
    let (mode, selection) = if release { ("--release", "--package") } else { ("--workspace", "--bin") };
    let mut command = cargo();
    command.args(["build", mode]).args(packages.iter().flat_map(|package| [selection, package]));
    let status = process::spawn(&mut command, Group::Shared, Signal::SIGTERM)?.wait()?;
    ensure!(status.success(), "{} cannot be built: cargo's messages are above", packages.join(", "));
    Ok(())
}

/// Returns the path of a program of this workspace, which must have been built.
pub(crate) fn program(name: &str, release: bool) -> Result<PathBuf> {
    Ok(target()?.join(if release { "release" } else { "debug" }).join(name))
}

/// Returns the folder in which cargo has put this program, and so all programs of this workspace.
pub(crate) fn target() -> Result<PathBuf> {
    let own = env::current_exe().context("the path of this program is unknown")?;
    let target = own.parent().and_then(Path::parent);
    Ok(target.context("this program is not in a target folder of cargo")?.to_owned())
}

/// Migrates a database and fills its catalogue, by the service's own verbs.
pub(crate) fn prepare(database: &str, release: bool, signals: &Signals) -> Result<()> {
    let films = program("films", release)?;
    ["migrate", "seed"].iter().try_for_each(|verb| run_verb(&films, verb, database, signals))
}

/// Runs a verb of the service on a database.
pub(crate) fn run_verb(films: &Path, verb: &str, database: &str, signals: &Signals) -> Result<()> {
    process::succeed(Command::new(films).arg(verb).env("DATABASE_URL", database), signals)
}

/// Returns what a program prints as its version, in the workspace, whose toolchain may differ from others. Fails
/// if the program fails or prints nothing.
pub(crate) fn version(command: &mut Command) -> Result<String> {
    let text = process::output(command.current_dir(workspace()))?;
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

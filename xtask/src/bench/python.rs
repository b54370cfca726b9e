//! The baselines that are Python applications.

use std::process::Command;

use anyhow::{Context, Result};

use crate::baselines::{self, Baseline, FILE};
use crate::cargo;
use crate::python::environment;

/// Tells whether one of the servers is a Python application.
pub(super) fn is_needed(servers: &[&str]) -> Result<bool> {
    Ok(python(servers)?.next().is_some())
}

/// Makes the virtual environments of the servers that need one.
pub(super) fn prepare(servers: &[&str]) -> Result<()> {
    python(servers)?.try_for_each(|(name, folder)| environment(name, folder).map(drop))
}

/// Returns the command that starts a baseline, in its folder.
pub(super) fn command(name: &str, baseline: &Baseline) -> Result<Command> {
    let folder = baseline.venv.as_ref().with_context(|| format!("{FILE}: {name} has no venv"))?;
    let mut command = Command::new(environment(name, folder)?.join("bin").join(&baseline.command[0]));
    command.args(&baseline.command[1..]).env("PYTHONDONTWRITEBYTECODE", "1");
    command.current_dir(cargo::workspace().join(folder));
    Ok(command)
}

fn python<'a>(servers: &'a [&str]) -> Result<impl Iterator<Item = (&'a str, &'static str)>> {
    let baselines = baselines::all()?;
    Ok(servers.iter().filter_map(|&name| Some((name, baselines.get(name)?.venv.as_deref()?))))
}

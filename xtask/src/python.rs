//! Virtual environments of the Python baselines, made once for each set of pinned versions.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::baselines::{self, Baseline, FILE};
use crate::cargo;
use crate::postgres::{folder, unusable};
use crate::terminal::say;

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

/// Returns the virtual environment of a baseline, and makes it if need be. The name has a hash of the
/// requirements, so that an environment always has the pinned versions.
fn environment(name: &str, folder_of_baseline: &str) -> Result<PathBuf> {
    let requirements = cargo::workspace().join(folder_of_baseline).join("requirements.txt");
    let text = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let home = folder()?;
    let environment = home.join(format!("python-{name}-{:016x}", hash.finish()));
    // pip writes the path into its scripts, so a finished environment cannot be renamed. It gets a file.
    let complete = environment.join("whole");
    if !complete.is_file() {
        say(&format!("Installing the requirements of {name} into {} (once)", environment.display()));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        run(Command::new(environment.join("bin/pip"))
            .args(["install", "--quiet", "--requirement"])
            .arg(&requirements))?;
        fs::write(&complete, "").with_context(|| unusable(&home))?;
    }
    Ok(environment)
}

fn run(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    ensure!(status.success(), "{program} failed ({status}): its messages are above");
    Ok(())
}

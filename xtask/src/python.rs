//! Virtual environments of Python, made once for each set of pinned versions.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::postgres::{folder, unusable};
use crate::terminal::say;

/// Returns the virtual environment with the requirements of a folder, and makes it if need be. Its name has a
/// hash of the requirements, so that an environment always has the pinned versions.
pub(crate) fn environment(name: &str, folder_of_requirements: &str) -> Result<PathBuf> {
    let requirements = cargo::workspace().join(folder_of_requirements).join("requirements.txt");
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

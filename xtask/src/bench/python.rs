//! The Python baselines with what they need, installed once for each set of pinned versions.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::server::home;
use crate::{cargo, say};

/// Where each baseline's interpreter is.
pub(super) struct Environments {
    flask: PathBuf,
    quart: PathBuf,
}

/// Makes those that are missing.
pub(super) fn environments() -> Result<Environments> {
    Ok(Environments { flask: environment("flask")?, quart: environment("quart")? })
}

impl Environments {
    /// The command that starts a baseline, as its Dockerfile has it.
    pub(super) fn server(&self, name: &str) -> Command {
        let mut command = if name == "flask" {
            let mut command = Command::new(self.flask.join("bin/gunicorn"));
            command.args(["--config", "gunicorn.conf.py", "app:app"]);
            command
        } else {
            let mut command = Command::new(self.quart.join("bin/python"));
            command.arg("server.py");
            command
        };
        command.current_dir(folder(name)).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn folder(name: &str) -> PathBuf {
    cargo::workspace().join("loadtest/baselines").join(name)
}

/// The virtual environment of a baseline. Its name holds the requirements' hash, and it gets that
/// name last, so that one that is there is whole and has the right versions.
fn environment(name: &str) -> Result<PathBuf> {
    let requirements = folder(name).join("requirements.txt");
    let text = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let home = home::folder()?;
    let environment = home.join(format!("python-{name}-{:016x}", hash.finish()));
    // pip writes the folder's path into its scripts, so it cannot be moved: a file says it is whole.
    let whole = environment.join("whole");
    if !whole.is_file() {
        say(&format!("Installing what {name} needs into {} (once)", environment.display()));
        let shown = environment.to_string_lossy().into_owned();
        run(Path::new("python3"), &["-m", "venv", "--clear", &shown])?;
        let file = requirements.to_string_lossy().into_owned();
        run(&environment.join("bin/pip"), &["install", "--quiet", "--requirement", &file])?;
        fs::write(&whole, "").with_context(|| home::unusable(&home))?;
    }
    Ok(environment)
}

fn run(program: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).status();
    let status = status.with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        bail!("{} {} failed ({status}); its own words are above", program.display(), arguments.join(" "));
    }
    Ok(())
}

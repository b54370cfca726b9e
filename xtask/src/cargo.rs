//! Cargo, and through it the service, as child processes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use nix::sys::signal::Signal;

use crate::process::{self, Group};
use crate::signals::Signals;

/// The cargo that runs this, so that what it builds is built by the same toolchain.
///
/// What it has told this program of itself is taken away: build scripts that look at these variables
/// (ring's does) would run anew, and all that depends on them with them, whenever a build by hand
/// follows.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (variable, _) in env::vars_os() {
        if variable
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(variable);
        }
    }
    command
}

/// The service, built before if need be. On Unix cargo does not stay around as its parent but
/// becomes it (`exec`), so signals to the child reach the service, and so does its death signal.
pub(crate) fn films(verb: &str, release: bool) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "films"]).args(release.then_some("--release"));
    command.args(["--", verb]);
    command
}

/// The folder of the workspace's Cargo.toml. Asked of `cargo run`, not of the compiler: a checkout
/// may have been moved since.
pub(crate) fn workspace() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

/// Builds the service. It comes before Postgres is started: what does not compile should cost
/// nothing else.
pub(crate) fn build(release: bool) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--package", "films"]).args(release.then_some("--release"));
    if !process::spawn(&mut command, Group::Shared, Signal::SIGTERM)?.wait()?.success() {
        bail!("the service does not build; cargo's own words are above");
    }
    Ok(())
}

/// A program of this workspace, as it would be shipped, once it is built.
pub(crate) fn release(name: &str) -> PathBuf {
    target().join("release").join(name)
}

/// Brings a database up to this build and fills its catalogue, by the service as it would be shipped.
pub(crate) fn fill(database: &str, signals: &Signals) -> Result<()> {
    for verb in ["migrate", "seed"] {
        let mut command = Command::new(release("films"));
        command.arg(verb).env("DATABASE_URL", database);
        if !process::run(&mut command, Group::Own, signals)?.success() {
            signals.check()?;
            bail!("`films {verb}` failed; its own words are above");
        }
    }
    Ok(())
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

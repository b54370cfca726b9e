//! Cargo, and through it the service, as child processes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The cargo that runs this, so that what it builds is built by the same toolchain.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
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

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

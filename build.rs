//! Tells the crate which commit it is built from.

use std::path::Path;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "a build script has nothing but its environment")]
fn main() {
    // An image is built without the repository, so its commit comes as `FILMS_COMMIT`.
    println!("cargo::rerun-if-env-changed=FILMS_COMMIT");
    let commit = std::env::var("FILMS_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(commit);
    println!("cargo::rustc-env=FILMS_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=build.rs");
}

fn commit() -> Option<String> {
    // HEAD names a branch, and its log changes with every commit. A path that is absent would make
    // every build run this again.
    for path in [".git/HEAD", ".git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

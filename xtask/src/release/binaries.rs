//! `cargo xtask release binaries`: the program for this machine, in an archive.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::record::{Options, VERSION};
use super::sign::write_checksums;
use crate::cargo::{self, cargo};
use crate::process;
use crate::terminal::say;

/// What an archive has next to the program.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(super) fn run(options: &Options) -> Result<()> {
    let workspace = cargo::workspace();
    let from_workspace = |program: &str, arguments: &[&str]| {
        process::output(Command::new(program).args(arguments).current_dir(&workspace))
    };
    let target = from_workspace("rustc", &["--print", "host-tuple"])?;
    let name = format!("films-{VERSION}-{}", target.trim());
    let temporary = tempfile::tempdir()?;
    let content = temporary.path().join(&name);
    fs::create_dir(&content)?;

    say("Building films, which takes minutes");
    // cargo itself says which subcommand is missing, and how to find it.
    let mut build = cargo();
    build.args(["auditable", "build", "--release", "--locked", "--package", "films"]);
    process::output(build.current_dir(&workspace))?;
    let files = FILES.map(|file| (file, workspace.join(file)));
    for (file, path) in files.into_iter().chain([("films", cargo::program("films", true)?)]) {
        fs::copy(&path, content.join(file)).with_context(|| format!("cannot copy {}", path.display()))?;
    }
    // The time of the commit, so that the archive does not depend on the time of the build.
    let time = from_workspace("git", &["log", "-1", "--format=%cI"])?;
    let archive = options.out.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    tar.arg(format!("--mtime={}", time.trim())).arg("--file").arg(&archive);
    process::output(tar.arg("--directory").arg(temporary.path()).arg(&name))?;

    // In a clone, because cargo-cyclonedx writes a document into the folder of every package.
    let clone = temporary.path().join("clone");
    process::output(Command::new("git").args(["clone", "--quiet", "--shared"]).arg(&workspace).arg(&clone))?;
    let document = format!("{name}.cdx");
    let mut list = cargo();
    list.args(["cyclonedx", "--quiet", "--format=json", "--spec-version=1.5"]);
    list.args(["--override-filename", &document]);
    process::output(list.current_dir(&clone))?;
    let document = format!("{document}.json");
    let text = fs::read_to_string(clone.join(&document)).context("cargo-cyclonedx wrote no document")?;
    // The name of the temporary folder would make every document different.
    fs::write(options.out.join(&document), text.replace(&clone.display().to_string(), "/films"))?;
    write_checksums(&options.out)?;
    say(&format!("Wrote {} and its list of crates, {document}", archive.display()));
    Ok(())
}

//! Services that break a promise on purpose: a copy of the source with an edit, built beside the right one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use nix::sys::signal::Signal;

use crate::cargo;
use crate::process::{self, Group};
use crate::terminal::{name_of, say};

/// This file, for errors.
const HERE: &str = "xtask/src/torture/broken.rs";

/// How a service is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Broken {
    /// Uses cached responses whatever their version.
    StaleCache,
    /// Responds to a review before its commit.
    EarlyAcknowledgement,
    /// Stores a review for every request, whatever its key.
    IgnoredKey,
}

/// A text of a file, and what stands there in the broken service.
struct Edit {
    file: &'static str,
    expected: &'static str,
    replacement: &'static str,
}

impl Broken {
    fn edit(self) -> Edit {
        match self {
            Self::StaleCache => Edit {
                file: "src/db/entries.rs",
                expected: "self.responses.get(key).filter(|response| response.version == held.version);",
                replacement: "self.responses.get(key);",
            },
            Self::EarlyAcknowledgement => Edit {
                file: "src/http/reviews.rs",
                expected: "match state.db.create_review(review, key).await? {",
                replacement: "tokio::spawn(async move { state.db.create_review(review, key).await });
    match Created::Stored {",
            },
            Self::IgnoredKey => Edit {
                file: "src/http/reviews.rs",
                expected: "state.db.create_review(review, key).await?",
                replacement: "state.db.create_review(review, key.and(None)).await?",
            },
        }
    }

    /// Builds the broken service, and returns its program.
    pub(super) fn build(self) -> Result<PathBuf> {
        let (name, target) = (name_of(&self), cargo::target()?);
        let folder = target.join("torture/broken").join(&name);
        say(&format!("Building the service with {name} in {}", folder.display()));
        copy(&cargo::workspace(), &folder, self)?;
        let mut command = cargo::cargo();
        command.current_dir(&folder).env("CARGO_TARGET_DIR", &target);
        let program = format!("films-{name}");
        // Not --locked, because cargo writes the other version into the lock file.
        command.args(["build", "--offline", "--package", "films", "--bin", &program]);
        let status = process::spawn(&mut command, Group::Shared, Signal::SIGTERM)?.wait()?;
        ensure!(
            status.success(),
            "{name} cannot be built: mend its edit in {HERE}; cargo's messages are above"
        );
        Ok(target.join("debug").join(program))
    }

    /// Returns the workspace's manifest with a program and a version of its own. Cargo names what it builds by
    /// the version, not by the folder: without another one, it would link the right program with the broken
    /// library.
    fn manifest(self, text: &str) -> Result<String> {
        let version =
            text.lines().find(|line| line.starts_with("version = ")).context("Cargo.toml has no version")?;
        let name = name_of(&self);
        let own = format!("{}-{name}\"", version.trim_end_matches('"'));
        let text = text.replacen(version, &own, 1);
        Ok(format!("{text}\n[[bin]]\nname = \"films-{name}\"\npath = \"src/main.rs\"\n"))
    }
}

/// Copies the source with the edit. A file with the right content keeps its time, so that cargo builds only
/// what has changed.
fn copy(from: &Path, to: &Path, broken: Broken) -> Result<()> {
    let edit = broken.edit();
    let mut git = Command::new("git");
    git.current_dir(from).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = process::output(&mut git)?;
    for file in files.split_terminator('\0') {
        let Ok(content) = fs::read(from.join(file)) else { continue };
        let content = match file {
            _ if file == edit.file => edit.apply(&String::from_utf8(content)?)?.into_bytes(),
            "Cargo.toml" => broken.manifest(&String::from_utf8(content)?)?.into_bytes(),
            _ => content,
        };
        let path = to.join(file);
        if fs::read(&path).ok().as_ref() != Some(&content) {
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, content))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

impl Edit {
    fn apply(&self, text: &str) -> Result<String> {
        let count = text.matches(self.expected).count();
        ensure!(
            count == 1,
            "{} has {count} times the text {:?}, expected once: the source has changed; mend the edit in {HERE}",
            self.file,
            self.expected
        );
        Ok(text.replace(self.expected, self.replacement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edit_applies_to_the_source() -> Result<()> {
        for broken in Broken::value_variants() {
            let edit = broken.edit();
            let text = fs::read_to_string(cargo::workspace().join(edit.file))?;
            assert!(edit.apply(&text)?.contains(edit.replacement));
        }
        Ok(())
    }

    #[test]
    fn a_broken_service_has_a_version_and_a_program_of_its_own() -> Result<()> {
        let manifest = fs::read_to_string(cargo::workspace().join("Cargo.toml"))?;
        let broken = Broken::StaleCache.manifest(&manifest)?;
        let package = |text: &str| -> Result<String> {
            let text: toml::Value = toml::from_str(text)?;
            Ok(text["workspace"]["package"]["version"].to_string())
        };
        let right = package(&manifest)?;
        assert_eq!(package(&broken)?, format!("{}-stale-cache\"", right.trim_end_matches('"')));
        assert!(broken.contains("name = \"films-stale-cache\""));
        Ok(())
    }

    #[test]
    fn an_edit_that_no_longer_applies_says_what_to_mend() {
        let error = Broken::StaleCache.edit().apply("").unwrap_err().to_string();
        assert!(error.contains("src/db/entries.rs has 0 times"), "{error}");
        assert!(error.contains("mend the edit in xtask/src/torture/broken.rs"), "{error}");
    }
}

//! Services that break a promise on purpose: a copy of the source with an edit, built beside the right one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use nix::sys::signal::Signal;

use crate::cargo;
use crate::process::{self, Group};
use crate::terminal::say;

/// This file, for errors.
const HERE: &str = "xtask/src/torture/broken.rs";

/// How a service is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Broken {
    /// Uses cached responses whatever their version.
    StaleCache,
    /// Responds to a review before its commit.
    EarlyAcknowledgement,
}

/// A text of a file, and what stands there in the broken service.
struct Edit {
    file: &'static str,
    expected: &'static str,
    replacement: &'static str,
}

impl Broken {
    fn name(self) -> &'static str {
        match self {
            Self::StaleCache => "stale-cache",
            Self::EarlyAcknowledgement => "early-acknowledgement",
        }
    }

    fn edit(self) -> Edit {
        match self {
            Self::StaleCache => Edit {
                file: "src/db/entries.rs",
                expected: "self.responses.get(key).filter(|response| response.version == held.version);",
                replacement: "self.responses.get(key);",
            },
            Self::EarlyAcknowledgement => Edit {
                file: "src/http/reviews.rs",
                expected: "if state.db.create_review(review).await? {",
                replacement: "tokio::spawn(async move { state.db.create_review(review).await });
    if film_id > 0 {",
            },
        }
    }

    /// Builds the broken service, and returns its program.
    pub(super) fn build(self) -> Result<PathBuf> {
        let (name, target) = (self.name(), cargo::target()?);
        let folder = target.join("torture/broken").join(name);
        say(&format!("Building the service with {name} in {}", folder.display()));
        let program = format!("films-{name}");
        copy(&cargo::workspace(), &folder, &self.edit(), &program)?;
        let mut command = cargo::cargo();
        command.current_dir(&folder).env("CARGO_TARGET_DIR", &target);
        command.args(["build", "--locked", "--package", "films", "--bin", &program]);
        let status = process::spawn(&mut command, Group::Shared, Signal::SIGTERM)?.wait()?;
        ensure!(
            status.success(),
            "{name} cannot be built: mend its edit in {HERE}; cargo's messages are above"
        );
        Ok(target.join("debug").join(program))
    }
}

/// Copies the source with the edit. The program has a name of its own, so that it does not replace the right
/// one. A file with the right content keeps its time, so that cargo builds only what has changed.
fn copy(from: &Path, to: &Path, edit: &Edit, program: &str) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(from).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = process::output(&mut git)?;
    for file in files.split_terminator('\0') {
        let Ok(content) = fs::read(from.join(file)) else { continue };
        let content = match file {
            _ if file == edit.file => edit.apply(&String::from_utf8(content)?)?.into_bytes(),
            "Cargo.toml" => {
                let binary = format!("\n[[bin]]\nname = \"{program}\"\npath = \"src/main.rs\"\n");
                [content, binary.into_bytes()].concat()
            }
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
    fn an_edit_that_no_longer_applies_says_what_to_mend() {
        let error = Broken::StaleCache.edit().apply("").unwrap_err().to_string();
        assert!(error.contains("src/db/entries.rs has 0 times"), "{error}");
        assert!(error.contains("mend the edit in xtask/src/torture/broken.rs"), "{error}");
    }
}

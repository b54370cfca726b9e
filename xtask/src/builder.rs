//! The programs that build images.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::process;
use crate::terminal::name_of;

/// A program that builds images.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Builder {
    Buildah,
    Podman,
    Docker,
}

impl Builder {
    /// Returns a command for the program.
    pub(crate) fn command(self) -> Command {
        Command::new(name_of(&self))
    }

    /// Finds the first builder that works: docker without its daemon does not.
    pub(crate) fn find() -> Result<Self> {
        let works = |builder: &&Self| process::output(builder.command().arg("info")).is_ok();
        let builder = Self::value_variants().iter().find(works);
        builder.copied().context("nothing here builds images: install buildah or podman, or start docker")
    }

    /// Returns the command that builds an image.
    pub(crate) fn build(self) -> Command {
        let mut command = self.command();
        command.arg("build");
        if self == Self::Buildah {
            // By default buildah caches no layer for the next build.
            command.arg("--layers");
        }
        command
    }

    /// Returns the command that writes an image into an archive.
    pub(crate) fn save(self, name: &str, archive: &Path) -> Command {
        let mut command = self.command();
        let target = format!("docker-archive:{}:{name}", archive.display());
        match self {
            Self::Docker => command.args(["save", "--output"]).arg(archive).arg(name),
            Self::Buildah | Self::Podman => command.args(["push", "--quiet", name, &target]),
        };
        command
    }
}

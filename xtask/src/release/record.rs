//! The record of a release: everything that is published, by its digest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The version of the workspace, and so of the release.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// File of the whole release. The file of an architecture has the same form.
pub(super) const FILE: &str = "release.json";

/// Options of every step.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Folder of the release. Each step writes its files there, and reads those of the earlier steps.
    #[arg(long, global = true, value_name = "DIR", default_value = "target/dist")]
    pub(super) out: PathBuf,
    /// Speak plain HTTP to the registry, as a rehearsal on this machine does.
    #[arg(long, global = true)]
    pub(super) plain_http: bool,
}

/// What is published.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: String,
    /// Registry and prefix of all names.
    pub(super) registry: String,
    /// The images by their keys.
    pub(super) images: IndexMap<String, Artifact>,
    pub(super) chart: Option<Artifact>,
}

/// An image or a chart in a registry.
#[derive(Serialize, Deserialize)]
pub(super) struct Artifact {
    pub(super) repository: String,
    pub(super) digest: String,
    /// Digest of each platform's image, for instance of `linux/amd64`.
    #[serde(default)]
    pub(super) platforms: IndexMap<String, String>,
}

impl Artifact {
    /// Returns the name with the digest.
    pub(super) fn reference(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }

    /// Returns each platform, and the name of its image with the digest.
    pub(super) fn per_platform(&self) -> impl Iterator<Item = (&str, String)> {
        let platforms = self.platforms.iter();
        platforms.map(|(platform, digest)| (platform.as_str(), format!("{}@{digest}", self.repository)))
    }
}

impl Record {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no record of a release", path.display()))
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

//! The commands of a document, as an operator would paste them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use super::cluster::TestCluster;
use crate::blocks::{self, Block};
use crate::cargo;
use crate::generated::read;
use crate::kubeconfig;
use crate::process;

/// The image that the documents name.
const POSTGRES: &str = "docker.io/library/postgres:17";

/// A document whose commands run in the namespace of the release.
pub(super) struct Runbook<'a> {
    cluster: &'a TestCluster<'a>,
    file: &'static str,
    blocks: Vec<Block>,
    kubeconfig: NamedTempFile,
    /// Commands that run before those of the document.
    prelude: String,
}

impl<'a> Runbook<'a> {
    pub(super) fn open(cluster: &'a TestCluster, file: &'static str, prelude: &str) -> Result<Self> {
        Ok(Self {
            cluster,
            file,
            blocks: blocks::parse(&read(file)?).context(file)?,
            kubeconfig: kubeconfig::of_namespace(&cluster.namespace)?,
            prelude: prelude.to_owned(),
        })
    }

    /// Runs the commands below a heading, and returns how long they took.
    pub(super) fn run(&self, section: &str) -> Result<Duration> {
        let since = Instant::now();
        let blocks = self.blocks.iter().filter(|block| block.section == section);
        let commands: Vec<&str> = blocks.map(|block| &*block.commands).collect();
        ensure!(!commands.is_empty(), "{} has no commands below the heading “{section}”", self.file);
        let commands = commands.join("\n").replace(POSTGRES, &self.cluster.images.postgres);
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &format!("{}\n{commands}", self.prelude)]);
        shell.current_dir(cargo::workspace()).env("KUBECONFIG", self.kubeconfig.path());
        process::output_with(&mut shell, Stdio::null(), self.cluster.signals)
            .with_context(|| format!("{}, “{section}”", self.file))?;
        Ok(since.elapsed())
    }
}

//! A namespace of the cluster, so that commands that name none leave the user's own namespace alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process;
use crate::terminal::say;

/// A namespace, which is deleted when this is dropped, and a kubeconfig whose context names it.
pub(super) struct Namespace {
    name: String,
    folder: TempDir,
}

impl Namespace {
    /// Creates a namespace in the cluster of the current context.
    pub(super) fn create() -> Result<Self> {
        let name = format!("films-readme-{}", std::process::id());
        kubectl(&["create", "namespace", &name]).context("the cluster's blocks need a cluster that runs")?;
        let namespace = Self { name, folder: TempDir::new()? };
        let config = kubectl(&["config", "view", "--raw", "--minify", "--flatten"])?;
        fs::write(namespace.kubeconfig(), config)?;
        let file = format!("--kubeconfig={}", namespace.kubeconfig().display());
        let option = format!("--namespace={}", namespace.name);
        kubectl(&[&file, "config", "set-context", "--current", &option])?;
        Ok(namespace)
    }

    /// Returns the file for the variable `KUBECONFIG`.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        Path::join(self.folder.path(), "kubeconfig")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = kubectl(&["delete", "namespace", &self.name, "--wait=false"]) {
            say(&format!("The namespace {} is still there: {error:#}", self.name));
        }
    }
}

fn kubectl(arguments: &[&str]) -> Result<String> {
    process::output(Command::new("kubectl").args(arguments))
}

//! A namespace of the cluster, so that commands that name none leave the user's own namespace alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::kubeconfig::Kubeconfig;
use crate::process;
use crate::terminal::say;

/// A namespace, which is deleted when this is dropped, and a kubeconfig whose context names it.
pub(super) struct Namespace {
    name: String,
    kubeconfig: Kubeconfig,
}

impl Namespace {
    /// Creates a namespace in the cluster of the current context.
    pub(super) fn create() -> Result<Self> {
        let name = format!("films-readme-{}", std::process::id());
        kubectl(&["create", "namespace", &name]).context("the cluster's blocks need a cluster that runs")?;
        let kubeconfig = Kubeconfig::of_namespace(&name)?;
        Ok(Self { name, kubeconfig })
    }

    /// Returns the file for the variable `KUBECONFIG`.
    pub(super) fn kubeconfig(&self) -> &Path {
        self.kubeconfig.path()
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

//! A kubeconfig whose context names a namespace, so that commands that name none work in that one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::process;

/// A copy of the current context in a file, which is deleted when this is dropped.
pub(crate) struct Kubeconfig {
    path: PathBuf,
    _folder: TempDir,
}

impl Kubeconfig {
    /// Copies the current context, and names the namespace in the copy.
    pub(crate) fn of_namespace(name: &str) -> Result<Self> {
        let folder = TempDir::new()?;
        let path = folder.path().join("kubeconfig");
        fs::write(&path, kubectl(&["config", "view", "--raw", "--minify", "--flatten"])?)?;
        let (file, option) = (format!("--kubeconfig={}", path.display()), format!("--namespace={name}"));
        kubectl(&[&file, "config", "set-context", "--current", &option])?;
        Ok(Self { path, _folder: folder })
    }

    /// Returns the file for the variable `KUBECONFIG`.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Runs kubectl, and returns what it prints.
pub(crate) fn kubectl(arguments: &[&str]) -> Result<String> {
    process::output(Command::new("kubectl").args(arguments))
}

//! A kubeconfig whose context names a namespace, so that commands that name none work in that one.

use std::fs;
use std::process::Command;

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::process;

/// Copies the current context into a temporary file for the variable `KUBECONFIG`, and names the namespace there.
pub(crate) fn of_namespace(name: &str) -> Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    fs::write(file.path(), kubectl(&["config", "view", "--raw", "--minify", "--flatten"])?)?;
    let (option, namespace) =
        (format!("--kubeconfig={}", file.path().display()), format!("--namespace={name}"));
    kubectl(&[&option, "config", "set-context", "--current", &namespace])?;
    Ok(file)
}

/// Runs kubectl, and returns what it prints.
pub(crate) fn kubectl(arguments: &[&str]) -> Result<String> {
    process::output(Command::new("kubectl").args(arguments))
}

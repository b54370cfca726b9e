//! How a release was built: the predicate of an SLSA provenance, version 1.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cargo;
use crate::process;

/// Returns the predicate. GitHub's variables describe its workflow; elsewhere, only the commit is known.
pub(super) fn predicate() -> Result<Value> {
    if env::var_os("GITHUB_ACTIONS").is_some() {
        return of_workflow(|name| {
            env::var(name).with_context(|| format!("GitHub's variable {name} is not set"))
        });
    }
    let mut git = Command::new("git");
    let commit = process::output(git.args(["rev-parse", "HEAD"]).current_dir(cargo::workspace()))?;
    Ok(json!({
        "buildDefinition": {
            "buildType": "urn:films:rehearsal",
            "externalParameters": {},
            "resolvedDependencies": [{"uri": "urn:films:source", "digest": {"gitCommit": commit.trim()}}],
        },
        "runDetails": {"builder": {"id": "urn:films:rehearsal"}},
    }))
}

/// Follows <https://actions.github.io/buildtypes/workflow/v1>.
fn of_workflow(variable: impl Fn(&str) -> Result<String>) -> Result<Value> {
    let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
    let (git_ref, workflow) = (variable("GITHUB_REF")?, variable("GITHUB_WORKFLOW_REF")?);
    let (run, attempt) = (variable("GITHUB_RUN_ID")?, variable("GITHUB_RUN_ATTEMPT")?);
    let source = format!("{server}/{repository}");
    // “OWNER/REPOSITORY/PATH@REF”
    let path = workflow.strip_prefix(&format!("{repository}/")).and_then(|path| path.split('@').next());
    Ok(json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {"ref": git_ref, "repository": source, "path": path}},
            "resolvedDependencies": [
                {"uri": format!("git+{source}@{git_ref}"), "digest": {"gitCommit": variable("GITHUB_SHA")?}},
            ],
        },
        "runDetails": {
            "builder": {"id": format!("{server}/{workflow}")},
            "metadata": {"invocationId": format!("{source}/actions/runs/{run}/attempts/{attempt}")},
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_described_by_githubs_variables() -> Result<()> {
        let predicate = of_workflow(|name| {
            let workflow = "owner/films/.github/workflows/release.yml@refs/tags/v1.0.0";
            Ok(if name == "GITHUB_WORKFLOW_REF" { workflow } else { "owner/films" }.to_owned())
        })?;
        let workflow = &predicate["buildDefinition"]["externalParameters"]["workflow"];
        assert_eq!(workflow["path"], ".github/workflows/release.yml");
        assert!(of_workflow(|name| anyhow::bail!("{name}")).is_err());
        Ok(())
    }
}

//! The table of baselines, `loadtest/baselines/baselines.toml`.

use std::sync::LazyLock;

use anyhow::{Context, Result, anyhow, ensure};
use clap::ValueEnum;
use clap::builder::PossibleValuesParser;
use indexmap::IndexMap;
use serde::Deserialize;

/// File of the table, in the workspace.
pub(crate) const FILE: &str = "loadtest/baselines/baselines.toml";

/// Name of the service in a report.
pub(crate) const FILMS: &str = "films";

/// Compiled in, so that the options of the command line can list the baselines.
static TABLE: LazyLock<Result<IndexMap<String, Baseline>>> =
    LazyLock::new(|| parse(include_str!("../../loadtest/baselines/baselines.toml")));

/// A baseline. The file describes the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    pub(crate) title: String,
    pub(crate) workers: String,
    pub(crate) image: Option<Image>,
    pub(crate) command: Vec<String>,
    pub(crate) venv: Option<String>,
    pub(crate) database: Database,
    pub(crate) in_cluster: bool,
    role: Option<Role>,
}

/// The image of a baseline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) dockerfile: String,
    pub(crate) context: String,
}

/// What a baseline does with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    /// Reads and writes through a pool.
    Pool,
    /// Reads the films once, and stores no review.
    Startup,
    /// Has no database.
    None,
}

/// What a baseline is for in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// The others are divided by it.
    Reference,
    /// It shows the limit of HTTP and of the generator.
    Ceiling,
}

/// Returns all baselines, in the order of the report.
pub(crate) fn all() -> Result<&'static IndexMap<String, Baseline>> {
    TABLE.as_ref().map_err(|error| anyhow!("{FILE}: {error:#}"))
}

/// Returns the name of the baseline with a role.
pub(crate) fn with_role(role: Role) -> Result<&'static str> {
    let found = all()?.iter().find(|(_, baseline)| baseline.role == Some(role));
    found.map(|(name, _)| name.as_str()).with_context(|| format!("{FILE}: no baseline has the role {role:?}"))
}

/// Returns the names of all servers, in the order of the report: films comes before the ceiling.
pub(crate) fn servers() -> Result<Vec<&'static str>> {
    let mut names: Vec<&str> = all()?.keys().map(String::as_str).collect();
    let ceiling =
        names.iter().position(|&name| with_role(Role::Ceiling).is_ok_and(|ceiling| ceiling == name));
    names.insert(ceiling.unwrap_or(names.len()), FILMS);
    Ok(names)
}

/// Returns what the command line takes as the name of a server.
pub(crate) fn server_names() -> PossibleValuesParser {
    servers().unwrap_or_default().into()
}

fn parse(text: &str) -> Result<IndexMap<String, Baseline>> {
    let table: IndexMap<String, Baseline> = toml::from_str(text)?;
    for (name, baseline) in &table {
        ensure!(!baseline.command.is_empty(), "{name}: `command` is empty");
        ensure!(
            !baseline.in_cluster || baseline.image.is_some(),
            "{name}: `in_cluster` is true, but there is no `image` to deploy"
        );
    }
    for role in [Role::Reference, Role::Ceiling] {
        // The chart names the baseline in its default values, so it must be one that the chart deploys.
        let count =
            table.values().filter(|baseline| baseline.role == Some(role) && baseline.in_cluster).count();
        ensure!(
            count == 1,
            "expected one baseline with the role {role:?} and `in_cluster = true`, found {count}"
        );
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: &str = "title = ''\nworkers = ''\ncommand = ['a']\ndatabase = 'pool'\n";

    #[test]
    fn films_comes_before_the_ceiling() -> Result<()> {
        let names = servers()?;
        let ceiling = names.iter().position(|name| *name == with_role(Role::Ceiling).unwrap_or_default());
        assert_eq!(names.iter().position(|name| *name == FILMS).map(|films| films + 1), ceiling);
        assert_eq!(names.len(), all()?.len() + 1);
        Ok(())
    }

    #[test]
    fn a_baseline_in_the_cluster_needs_an_image() {
        let error = parse(&format!("[a]\n{BASELINE}in_cluster = true\n")).unwrap_err().to_string();
        assert_eq!(error, "a: `in_cluster` is true, but there is no `image` to deploy");
    }

    #[test]
    fn each_role_belongs_to_one_baseline() {
        let error = parse(&format!("[a]\n{BASELINE}in_cluster = false\n")).unwrap_err().to_string();
        assert_eq!(error, "expected one baseline with the role Reference and `in_cluster = true`, found 0");
    }
}

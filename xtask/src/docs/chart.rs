//! `cargo xtask chart`: the generated parts of helm/films.
//!
//! - values.schema.json: `config`, from the service's own JSON Schema
//! - values.yaml: `loadtest.baselines`, from the table of baselines
//! - README.md: the table of values, from the descriptions of the schema and the defaults of values.yaml

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{schema, table};
use crate::baselines::{self, Baseline, Database, FILE};
use crate::cargo;
use crate::generated::{self, Mode, between, read};
use crate::images::{chart_registry, parse_yaml};

const SCHEMA: &str = "helm/films/values.schema.json";
const VALUES: &str = "helm/films/values.yaml";
const README: &str = "helm/films/README.md";

/// Runs the verb.
pub(crate) fn run(mode: &Mode) -> Result<ExitCode> {
    let workspace = cargo::workspace();
    let mut schema: Value = serde_json::from_str(&read(&workspace, SCHEMA)?)
        .with_context(|| format!("{SCHEMA} is not valid JSON"))?;
    let config = schema.pointer_mut("/properties/config");
    *config.with_context(|| format!("{SCHEMA} has no property config"))? =
        schema::for_chart(&schema::of_service()?)?;

    let values = with_baselines(&read(&workspace, VALUES)?).context(VALUES)?;
    let rows = table::rows(&schema, &parse_yaml(VALUES, &values)?)?;
    let table = generated::table(&table::HEADER, &rows);
    let readme = between(&read(&workspace, README)?, "<!-- values: written by", "<!-- end of values", &table);

    let files = [
        (SCHEMA, format!("{}\n", serde_json::to_string_pretty(&schema)?)),
        (VALUES, values),
        (README, readme.context(README)?),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), Some(text)));
    mode.apply("chart", &workspace, &files)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns values.yaml with the map of baselines.
fn with_baselines(values: &str) -> Result<String> {
    let parsed = parse_yaml(VALUES, values)?;
    let registry = chart_registry(&parsed)?;
    let mut map = String::new();
    for (name, baseline) in baselines::all()?.iter().filter(|(_, baseline)| baseline.in_cluster) {
        entry(&mut map, registry, name, baseline)?;
    }
    between(values, "# baselines: written by", "# end of baselines", &map)
}

fn entry(map: &mut String, registry: &str, name: &str, baseline: &Baseline) -> Result<()> {
    let image = baseline.image.as_ref().with_context(|| format!("{FILE}: {name} has no image"))?;
    let database = match baseline.database {
        Database::Pool => "pool",
        Database::Startup => "startup",
        Database::None => "none",
    };
    write!(
        map,
        "    {name}:
      enabled: true
      image:
        repository: {registry}/{}
        tag: \"\"
        digest: \"\"
        pullPolicy: IfNotPresent
      database: {database}
      extraEnv: {{}}
",
        image.name
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = "image:
  repository: registry.example/films
loadtest:
  baselines:
    # baselines: written by something
    old: {}
    # end of baselines
";

    #[test]
    fn the_map_has_the_baselines_of_the_cluster_in_their_order() -> Result<()> {
        let values = with_baselines(VALUES)?;
        let values = parse_yaml("values.yaml", &values)?;
        let map = values["loadtest"]["baselines"].as_object().context("no map")?;
        let expected = baselines::all()?.iter().filter(|(_, baseline)| baseline.in_cluster);
        assert!(map.keys().eq(expected.map(|(name, _)| name)), "{map:?}");
        assert_eq!(map["flask"]["image"]["repository"], "registry.example/films-flask");
        assert_eq!(map["ceiling"]["database"], "startup");
        Ok(())
    }
}

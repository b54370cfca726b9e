//! `cargo xtask chart`: the generated parts of helm/films.
//!
//! - values.schema.json: `config`, from the service's own JSON Schema
//! - files/checks.json: what the checks of the templates need to know of the service and the load test
//! - values.yaml: `loadtest.baselines`, `reference` and `ceiling`, from the table of baselines
//! - tests/no-baselines.yaml: values that disable those baselines, so that a unit test can name its own
//! - README.md: the table of values, from the descriptions of the schema and the defaults of values.yaml
//!
//! With `--check`, also renders the chart: with a password, and with values that it must refuse.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use loadtest::workload::Workload;
use serde_json::{Map, Value, json};

use super::{hostile, password, schema, table};
use crate::baselines::{self, Baseline, FILE, Role};
use crate::cargo;
use crate::generated::{self, Mode, between, read};
use crate::images::{chart_registry, parse_yaml};
use crate::terminal::name_of;

const SCHEMA: &str = "helm/films/values.schema.json";
const VALUES: &str = "helm/films/values.yaml";
const CHECKS: &str = "helm/films/files/checks.json";
const README: &str = "helm/films/README.md";
const NO_BASELINES: &str = "helm/films/tests/no-baselines.yaml";

pub(crate) fn run(mode: &Mode) -> Result<ExitCode> {
    let mut schema: Value =
        serde_json::from_str(&read(SCHEMA)?).with_context(|| format!("{SCHEMA} is not valid JSON"))?;
    let config = schema.pointer_mut("/properties/config");
    let service = schema::of_service()?;
    *config.with_context(|| format!("{SCHEMA} has no property config"))? = schema::for_chart(&service)?;

    let values = with_baselines(&read(VALUES)?).context(VALUES)?;
    let rows = table::rows(&schema, &parse_yaml(VALUES, &values)?)?;
    let table = generated::table(&table::HEADER, &rows);
    let readme = between(&read(README)?, "<!-- values: written by", "<!-- end of values", &table);

    let files = [
        (SCHEMA, format!("{}\n", serde_json::to_string_pretty(&schema)?)),
        (CHECKS, checks(&schema, &service)?),
        (VALUES, values),
        (NO_BASELINES, no_baselines()?),
        (README, readme.context(README)?),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), Some(text)));
    mode.apply("chart", &cargo::workspace(), &files)?;
    if mode.check {
        password::check()?;
        hostile::check()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the patterns of settings, the relations between settings, and the routes of each workload.
fn checks(schema: &Value, service: &Value) -> Result<String> {
    let workloads = schema.pointer("/properties/loadtest/properties/workload/enum").and_then(Value::as_array);
    let mut routes = Map::new();
    for name in workloads.context("the schema lists no workload")?.iter().filter_map(Value::as_str) {
        routes.insert(name.to_owned(), Workload::find(name)?.routes().into());
    }
    let (patterns, relations) = (schema::patterns(service)?, schema::relations(service)?);
    let checks = json!({"patterns": patterns, "relations": relations, "routes": routes});
    Ok(format!("{}\n", serde_json::to_string_pretty(&checks)?))
}

/// Returns values.yaml with the map of baselines and the names of those that have a role.
fn with_baselines(values: &str) -> Result<String> {
    let parsed = parse_yaml(VALUES, values)?;
    let registry = chart_registry(&parsed)?;
    let (reference, ceiling) = (baselines::with_role(Role::Reference)?, baselines::with_role(Role::Ceiling)?);
    let mut map = format!("  reference: {reference}\n  ceiling: {ceiling}\n  baselines:\n");
    for (name, baseline) in in_cluster()? {
        let image = baseline.image.as_ref().with_context(|| format!("{FILE}: {name} has no image"))?;
        write!(
            map,
            "    {name}:
      enabled: true
      image:
        repository: {registry}/{}
        tag: \"\"
        digest: \"\"
        pullPolicy: IfNotPresent
      database: {}
      extraEnv: {{}}
",
            image.name,
            name_of(&baseline.database)
        )?;
    }
    between(values, "# baselines: written by", "# end of baselines", &map)
}

/// Returns values that disable every baseline of values.yaml.
fn no_baselines() -> Result<String> {
    let mut values =
        "# Disables the baselines of values.yaml. Written by `cargo xtask chart`; not to be edited.
loadtest:
  reference: \"\"
  ceiling: \"\"
  baselines:
"
        .to_owned();
    for (name, _) in in_cluster()? {
        writeln!(values, "    {name}: {{ enabled: false }}")?;
    }
    Ok(values)
}

fn in_cluster() -> Result<impl Iterator<Item = (&'static String, &'static Baseline)>> {
    Ok(baselines::all()?.iter().filter(|(_, baseline)| baseline.in_cluster))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = "image:
  repository: registry.example/films
loadtest:
  # baselines: written by something
  reference: other
  # end of baselines
";

    #[test]
    fn the_map_has_the_baselines_of_the_cluster_in_their_order() -> Result<()> {
        let values = with_baselines(VALUES)?;
        let values = parse_yaml("values.yaml", &values)?;
        let map = values["loadtest"]["baselines"].as_object().context("no map")?;
        assert!(map.keys().eq(in_cluster()?.map(|(name, _)| name)), "{map:?}");
        assert_eq!(map["flask"]["image"]["repository"], "registry.example/films-flask");
        assert_eq!(map["ceiling"]["database"], "startup");
        assert_eq!(values["loadtest"]["reference"], baselines::with_role(Role::Reference)?);
        assert_eq!(values["loadtest"]["ceiling"], baselines::with_role(Role::Ceiling)?);
        Ok(())
    }

    #[test]
    fn the_checks_know_the_routes_of_each_workload() -> Result<()> {
        let schema =
            json!({"properties": {"loadtest": {"properties": {"workload": {"enum": ["article", "slo"]}}}}});
        let checks: Value = serde_json::from_str(&checks(&schema, &json!({"properties": {}}))?)?;
        assert_eq!(checks["routes"], json!({"article": ["one", "list", "post"], "slo": ["slo"]}));
        Ok(())
    }

    #[test]
    fn the_tests_can_disable_every_baseline() -> Result<()> {
        let values = parse_yaml(NO_BASELINES, &no_baselines()?)?;
        let map = values["loadtest"]["baselines"].as_object().context("no map")?;
        assert!(map.keys().eq(in_cluster()?.map(|(name, _)| name)), "{map:?}");
        assert!(map.values().all(|baseline| baseline["enabled"] == false), "{map:?}");
        Ok(())
    }
}

//! `cargo xtask chart`: the parts of helm/films that follow from others, so that nothing is said twice.
//!
//! The service's own JSON Schema becomes `config` of values.schema.json, and the schema's descriptions
//! with the defaults of values.yaml become the table of README.md.

mod table;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::{cargo, say};

/// Write the parts of helm/films that follow from others; commit the result.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail if something is out of date.
    #[arg(long)]
    check: bool,
}

/// The verb.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let chart = cargo::workspace().join("helm/films");
    let mut schema: Value = serde_json::from_str(&read(&chart.join("values.schema.json"))?)
        .context("values.schema.json is no JSON")?;
    *schema.pointer_mut("/properties/config").context("values.schema.json has no config")? =
        for_values(&service_schema()?)?;
    let values = table::parse_yaml(&read(&chart.join("values.yaml"))?)?;
    let readme = table::replace(&read(&chart.join("README.md"))?, &table::table(&schema, &values)?)?;

    let schema = format!("{}\n", serde_json::to_string_pretty(&schema)?);
    for (name, text) in [("values.schema.json", schema), ("README.md", readme)] {
        let path = chart.join(name);
        if read(&path)? == text {
            continue;
        }
        ensure!(
            !args.check,
            "helm/films/{name} is out of date: run `cargo xtask chart` and commit the result"
        );
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("wrote helm/films/{name}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn service_schema() -> Result<Value> {
    let output = cargo::films("config", false).arg("--schema").output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("`films config --schema` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("`films config --schema` printed no JSON")
}

/// The service's schema as a part of the chart's: in the draft that every Helm reads, without
/// references, and with what the chart knows better.
fn for_values(service: &Value) -> Result<Value> {
    let mut config = inline(service, service)?;
    let database = config.pointer_mut("/properties/database/properties").and_then(Value::as_object_mut);
    let database = database.context("the service has no database.* any more")?;
    // How to connect is said by `postgres`: here, a password would be readable in a ConfigMap.
    database.retain(|key, _| !["url", "read_url", "password_file"].contains(&key.as_str()));
    let pool_size = database.get_mut("pool_size");
    *pool_size.context("the service has no database.pool_size any more, and the chart computes it")? = json!({
        "description": "Most connections of a pod to Postgres. The chart computes it from the connection \
                        budget where it is not set: see `postgres.maxConnections`.",
        "type": ["integer", "null"],
        "minimum": 1,
    });
    Ok(config)
}

/// `node` with its references replaced by what they refer to in `root`.
fn inline(node: &Value, root: &Value) -> Result<Value> {
    let Value::Object(fields) = node else {
        return Ok(node.clone());
    };
    let mut result = Map::new();
    for (key, value) in fields {
        match (key.as_str(), value) {
            // What is not said here is said by the values' own schema, or in values.yaml.
            ("$schema" | "$defs" | "title" | "format" | "default", _) => {}
            ("description", Value::String(text)) => {
                result.insert(key.clone(), text.replace('\n', " ").into());
            }
            ("$ref", Value::String(reference)) => {
                let target = root.pointer(reference.trim_start_matches('#'));
                let target = inline(target.with_context(|| format!("{reference} is not there"))?, root)?;
                for (key, value) in target.as_object().into_iter().flatten() {
                    result.entry(key).or_insert(value.clone());
                }
            }
            ("properties", Value::Object(properties)) => {
                let inlined = properties.iter().map(|(name, node)| Ok((name.clone(), inline(node, root)?)));
                result.insert(key.clone(), Value::Object(inlined.collect::<Result<_>>()?));
            }
            // One error for a wrong name, not one for each name there is.
            ("oneOf", Value::Array(choices))
                if choices.iter().all(|choice| choice.get("const").is_some()) =>
            {
                result.insert(
                    "enum".to_owned(),
                    choices.iter().map(|choice| choice["const"].clone()).collect(),
                );
            }
            (_, Value::Array(nodes)) => {
                let inlined = nodes.iter().map(|node| inline(node, root));
                result.insert(key.clone(), inlined.collect::<Result<_>>()?);
            }
            _ => {
                result.insert(key.clone(), value.clone());
            }
        }
    }
    // The service's schema says of a duration only that it is text.
    if fields.get("default").and_then(Value::as_str).is_some_and(is_duration) {
        result.insert("pattern".to_owned(), "^([0-9]+(ms|s|m|h) ?)+$".into());
    }
    Ok(Value::Object(result))
}

fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["ms", "s", "m", "h"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_schema_is_made_part_of_the_charts() {
        let service = json!({
            "$schema": "new", "type": "object",
            "properties": {"database": {"$ref": "#/$defs/Db", "description": "Mine."}},
            "$defs": {
                "Db": {"description": "Other.", "properties": {
                    "url": {"type": "string"},
                    "pool_size": {"type": "integer", "default": 20},
                    "timeout": {"type": "string", "default": "5s"},
                    "mode": {"oneOf": [{"const": "a"}, {"const": "b"}]},
                }},
            },
        });
        let config = for_values(&service).unwrap();
        let database = &config["properties"]["database"];
        assert_eq!(database["description"], "Mine.");
        assert_eq!(database["properties"].get("url"), None);
        assert_eq!(database["properties"]["pool_size"]["type"], json!(["integer", "null"]));
        assert_eq!(database["properties"]["timeout"]["pattern"], "^([0-9]+(ms|s|m|h) ?)+$");
        assert_eq!(database["properties"]["mode"], json!({"enum": ["a", "b"]}));
        assert_eq!(config.get("$defs"), None);
    }

    #[test]
    fn a_service_without_a_pool_size_is_an_error() {
        let error = for_values(&json!({"properties": {"database": {"properties": {}}}})).unwrap_err();
        assert!(error.to_string().contains("database.pool_size"), "{error}");
    }
}

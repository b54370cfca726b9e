//! The service's JSON Schema, and its form in the chart's schema.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::service;

/// Returns the schema that `films config --schema` prints.
pub(super) fn of_service() -> Result<Value> {
    serde_json::from_str(&service::prints(&["config", "--schema"])?)
        .context("`films config --schema` printed no JSON")
}

/// Returns the schema of `config` in the chart's values.
///
/// It has no references and keeps to the draft that every Helm reads. It lacks the settings that the
/// chart sets from other values.
pub(super) fn for_chart(service: &Value) -> Result<Value> {
    let mut config = inline(service, service)?;
    let database = config.pointer_mut("/properties/database/properties").and_then(Value::as_object_mut);
    let database = database.context("the service's schema has no database")?;
    // `postgres` says how to connect. Here, a password would be readable in a ConfigMap.
    database.retain(|key, _| !["url", "read_url", "password_file"].contains(&key.as_str()));
    let pool_size = database.get_mut("pool_size");
    *pool_size.context("the service's schema has no database.pool_size, which the chart computes")? = json!({
        "description": "Most connections of a pod to Postgres. If null, the chart computes it from the \
                        connection budget: see `postgres.maxConnections`.",
        "type": ["integer", "null"],
        "minimum": 1,
    });
    // `faults` of the values mounts the token too.
    let sections = config.pointer_mut("/properties").and_then(Value::as_object_mut);
    sections.context("the service's schema has no properties")?.remove("faults");
    without_checks(&mut config);
    Ok(config)
}

/// Removes what the chart's checks refuse with a better message.
fn without_checks(node: &mut Value) {
    for value in node.as_object_mut().into_iter().flat_map(Map::values_mut) {
        without_checks(value);
    }
    if let Some(fields) = node.as_object_mut() {
        let is_described = fields.contains_key("x-expected");
        let is_checked = |key: &str| key.starts_with("x-") || (is_described && key == "pattern");
        fields.retain(|key, _| !is_checked(key));
    }
}

/// Returns the patterns of settings that the service describes in words, for the chart's checks: the message of a
/// JSON Schema validator shows only the pattern.
pub(super) fn patterns(service: &Value) -> Result<Vec<Value>> {
    let described = |(key, setting): (String, Value)| {
        let (pattern, expected) = (setting.get("pattern")?, setting.get("x-expected")?);
        Some(json!({"key": key, "pattern": pattern, "expected": expected}))
    };
    Ok(settings(service)?.into_iter().filter_map(described).collect())
}

/// Returns every setting with its part of the service's schema, by its dotted key.
fn settings(service: &Value) -> Result<Vec<(String, Value)>> {
    let sections = service["properties"].as_object().context("the service's schema has no properties")?;
    let mut settings = Vec::new();
    for (section, node) in sections {
        let inlined = inline(node, service)?;
        for (key, setting) in inlined["properties"].as_object().into_iter().flatten() {
            settings.push((format!("{section}.{key}"), setting.clone()));
        }
    }
    Ok(settings)
}

/// Keywords of the service's schema that relate a setting to another, with their words.
const RELATIONS: [(&str, &str); 2] = [("x-less-than", "less than"), ("x-at-most", "at most")];

/// Returns the relations between two settings, for the chart's checks: JSON Schema cannot express them.
pub(super) fn relations(service: &Value) -> Result<Vec<Value>> {
    let mut relations = Vec::new();
    for (key, setting) in settings(service)? {
        for (keyword, words) in RELATIONS {
            if let Some(relation) = setting.get(keyword) {
                let (other, because) = (&relation["key"], &relation["because"]);
                relations.push(json!({"key": key, "relation": words, "other": other, "because": because}));
            }
        }
    }
    Ok(relations)
}

/// The largest integer that Helm reads exactly, because it reads every number as a floating-point one.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// Returns `node` with every reference replaced by its target in `root`.
fn inline(node: &Value, root: &Value) -> Result<Value> {
    let Value::Object(fields) = node else {
        return Ok(node.clone());
    };
    let mut result = Map::new();
    for (key, value) in fields {
        match (key.as_str(), value) {
            // values.schema.json and values.yaml have their own.
            ("$schema" | "$defs" | "title" | "default", _) => {}
            ("format", Value::String(format)) => {
                if format.starts_with("uint") && fields.get("maximum").is_none() {
                    result.insert("maximum".to_owned(), MAX_EXACT.into());
                }
            }
            ("description", Value::String(text)) => {
                result.insert(key.clone(), text.replace('\n', " ").into());
            }
            ("$ref", Value::String(reference)) => {
                let target = root.pointer(reference.trim_start_matches('#'));
                let target = target.with_context(|| format!("the service's schema has no {reference}"))?;
                for (key, value) in inline(target, root)?.as_object().into_iter().flatten() {
                    result.entry(key).or_insert(value.clone());
                }
            }
            ("properties", Value::Object(properties)) => {
                let inlined = properties.iter().map(|(name, node)| Ok((name.clone(), inline(node, root)?)));
                result.insert(key.clone(), Value::Object(inlined.collect::<Result<_>>()?));
            }
            ("oneOf", Value::Array(choices))
                if choices.iter().all(|choice| choice.get("const").is_some()) =>
            {
                // With `enum`, Helm prints a single error for a wrong name, not an error for each choice.
                let names = choices.iter().map(|choice| choice["const"].clone());
                result.insert("enum".to_owned(), names.collect());
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
    Ok(Value::Object(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_schema_becomes_part_of_the_charts() -> Result<()> {
        let service = json!({
            "$schema": "new", "type": "object",
            "properties": {"database": {"$ref": "#/$defs/Db", "description": "Mine."}},
            "$defs": {
                "Db": {"description": "Other.", "properties": {
                    "url": {"type": "string"},
                    "pool_size": {"type": "integer", "default": 20},
                    "timeout": {"type": "string", "default": "5s", "pattern": "^[0-9]+s$"},
                    "mode": {"oneOf": [{"const": "a"}, {"const": "b"}]},
                }},
            },
        });
        let config = for_chart(&service)?;
        let database = &config["properties"]["database"];
        assert_eq!(database["description"], "Mine.");
        assert_eq!(database["properties"].get("url"), None);
        assert_eq!(database["properties"]["pool_size"]["type"], json!(["integer", "null"]));
        assert_eq!(database["properties"]["timeout"], json!({"type": "string", "pattern": "^[0-9]+s$"}));
        assert_eq!(database["properties"]["mode"], json!({"enum": ["a", "b"]}));
        assert_eq!(config.get("$defs"), None);
        Ok(())
    }

    #[test]
    fn an_integer_without_a_maximum_is_at_most_what_helm_reads_exactly() -> Result<()> {
        let node = json!({"type": "integer", "format": "uint"});
        assert_eq!(inline(&node, &node)?, json!({"type": "integer", "maximum": 9_007_199_254_740_991_u64}));
        let node = json!({"type": "integer", "format": "uint", "maximum": 5});
        assert_eq!(inline(&node, &node)?, json!({"type": "integer", "maximum": 5}));
        Ok(())
    }

    #[test]
    fn relations_and_described_patterns_are_listed() -> Result<()> {
        let service = json!({
            "properties": {"http": {"$ref": "#/$defs/Http"}},
            "$defs": {"Http": {"properties": {
                "a": {"type": "string", "x-less-than": {"key": "http.b", "because": "b contains a"}},
                "b": {"type": "string"},
            }}},
        });
        let described = json!({"properties": {"http": {"properties": {
            "a": {"pattern": "^a$", "x-expected": "an a"}, "b": {"pattern": "^b$"},
        }}}});
        assert_eq!(patterns(&described)?, [json!({"key": "http.a", "pattern": "^a$", "expected": "an a"})]);
        let expected =
            json!({"key": "http.a", "relation": "less than", "other": "http.b", "because": "b contains a"});
        assert_eq!(relations(&service)?, [expected]);
        Ok(())
    }

    #[test]
    fn a_service_without_a_pool_size_is_an_error() {
        let error = for_chart(&json!({"properties": {"database": {"properties": {}}}})).unwrap_err();
        assert!(error.to_string().contains("database.pool_size"), "{error}");
    }
}

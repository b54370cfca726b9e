//! Tables of settings: a row for each key that a user can set.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

pub(super) const HEADER: [&str; 3] = ["key", "default", "meaning"];

/// Returns the rows in the order of the schema. A default comes from `values`, or else from the schema.
pub(super) fn rows(schema: &Value, values: &Value) -> Result<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    add(&mut rows, schema, schema, values, "")?;
    Ok(rows)
}

/// Adds a row for each property of `node`, or, if the property is a section, for each of its properties.
fn add(
    rows: &mut Vec<Vec<String>>,
    schema: &Value,
    node: &Value,
    values: &Value,
    prefix: &str,
) -> Result<()> {
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{name}");
        let value = values.get(name).or(property.get("default")).unwrap_or(&Value::Null);
        let definition = definition(schema, property);
        let at_top = &schema["properties"][name]["$ref"];
        let is_repeated = !prefix.is_empty() && property.get("$ref") == Some(at_top);
        if is_repeated && matches!(name.as_str(), "image" | "resources") {
            rows.push(vec![format!("`{key}`"), shown(value), format!("See `{name}`.")]);
        } else if is_repeated {
            // The text above the table describes these keys once.
        } else if definition["properties"].is_object() {
            add(rows, schema, definition, value, &format!("{key}."))?;
        } else {
            let meaning = property.get("description").or(definition.get("description"));
            let meaning =
                meaning.and_then(Value::as_str).with_context(|| format!("{key} has no description"))?;
            ensure!(meaning.ends_with('.'), "the description of {key} is not a sentence: {meaning}");
            let mut values = definition["patternProperties"].as_object().into_iter().flat_map(Map::values);
            let is_map = values.any(|node| node["$ref"].is_string());
            let sections = value.as_object().filter(|map| is_map && map.values().all(Value::is_object));
            let default = sections.map_or_else(|| shown(value), names);
            rows.push(vec![format!("`{key}`"), default, meaning.to_owned()]);
        }
    }
    Ok(())
}

fn definition<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let reference = property.get("$ref").and_then(Value::as_str);
    reference.and_then(|path| schema.pointer(path.trim_start_matches('#'))).unwrap_or(property)
}

/// Returns the names in a map of sections, whose content would not fit into a cell.
fn names(map: &Map<String, Value>) -> String {
    map.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Returns a default as a person would write it, and nothing for an empty default.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Object(fields) if fields.contains_key("repository") => {
            let tag = fields.get("tag").and_then(Value::as_str).filter(|tag| !tag.is_empty());
            let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            format!("`{}{tag}`", fields["repository"].as_str().unwrap_or_default())
        }
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_has_its_default_and_its_meaning() -> Result<()> {
        let schema = json!({
            "properties": {
                "size": {"$ref": "#/definitions/size"},
                "part": {"properties": {
                    "size": {"$ref": "#/definitions/size"},
                    "on": {"description": "Does it.", "default": true},
                    "of": {"description": "A map.", "patternProperties": {"^[a-z]$": {"$ref": "#/definitions/size"}}},
                }},
            },
            "definitions": {"size": {"description": "How large."}},
        });
        let of = json!({"a": {}, "b": {}});
        let values = json!({"size": "2Gi", "part": {"size": "3Gi", "on": false, "of": of}});
        assert_eq!(
            rows(&schema, &values)?,
            [
                ["`size`", "`2Gi`", "How large."],
                ["`part.on`", "`false`", "Does it."],
                ["`part.of`", "`a`, `b`", "A map."]
            ]
        );
        assert_eq!(rows(&schema, &Value::Null)?[1], ["`part.on`", "`true`", "Does it."]);
        Ok(())
    }

    #[test]
    fn a_key_needs_a_description_of_a_sentence() {
        for (property, expected) in [
            (json!({}), "key has no description"),
            (json!({"description": "short"}), "the description of key is not a sentence: short"),
        ] {
            let error = rows(&json!({"properties": {"key": property}}), &json!({})).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}

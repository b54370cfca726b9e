//! The table of values: a row for each key that somebody can set.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

const BEGIN: &str = "<!-- values: written by `cargo xtask chart` -->\n";
const END: &str = "<!-- end of values -->\n";

/// `readme` with `table` between its markers.
pub(super) fn replace(readme: &str, table: &str) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("README.md lacks the marker before its table")?;
    let (_, after) = rest.split_once(END).context("README.md lacks the marker after its table")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// The table, in the schema's order.
pub(super) fn table(schema: &Value, values: &Value) -> Result<String> {
    let mut table = String::from("| key | default | meaning |\n|---|---|---|\n");
    rows(&mut table, schema, schema, values, "")?;
    Ok(table)
}

/// A row for each property of `node`, or for each of its own properties where it is a section.
fn rows(table: &mut String, schema: &Value, node: &Value, values: &Value, prefix: &str) -> Result<()> {
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        let key = format!("{prefix}{name}");
        let value = &values[name];
        let definition = definition(schema, property);
        let at_top = &schema["properties"][name]["$ref"];
        let is_repeated = !prefix.is_empty() && property.get("$ref") == Some(at_top);
        if is_repeated && matches!(name.as_str(), "image" | "resources") {
            writeln!(table, "| `{key}` | {} | See `{name}`. |", shown(value))?;
        } else if is_repeated || name == "global" {
            // Said once, above the table.
        } else if definition["properties"].is_object() {
            rows(table, schema, definition, value, &format!("{key}."))?;
        } else {
            let meaning = property.get("description").or(definition.get("description"));
            let meaning =
                meaning.and_then(Value::as_str).with_context(|| format!("{key}: no description"))?;
            ensure!(meaning.ends_with('.'), "{key}: its description is no sentence: {meaning}");
            writeln!(table, "| `{key}` | {} | {} |", shown(value), meaning.replace('|', "\\|"))?;
        }
    }
    Ok(())
}

fn definition<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let reference = property.get("$ref").and_then(Value::as_str);
    reference.and_then(|path| schema.pointer(path.trim_start_matches('#'))).unwrap_or(property)
}

/// A default as people would write it; nothing where there is none.
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

/// A YAML document as JSON.
pub(super) fn parse_yaml(text: &str) -> Result<Value> {
    let documents = YamlLoader::load_from_str(text).context("values.yaml is no YAML")?;
    json(documents.first().context("values.yaml is empty")?)
}

fn json(yaml: &Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Boolean(value) => (*value).into(),
        Yaml::Integer(value) => (*value).into(),
        Yaml::Real(text) | Yaml::String(text) => text.clone().into(),
        Yaml::Array(items) => items.iter().map(json).collect::<Result<_>>()?,
        Yaml::Hash(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                Ok((key.as_str().context("a key that is no text")?.to_owned(), json(value)?))
            });
            Value::Object(fields.collect::<Result<_>>()?)
        }
        _ => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_has_its_default_and_its_meaning() {
        let schema = json!({
            "properties": {
                "size": {"$ref": "#/definitions/size"},
                "part": {"properties": {"size": {"$ref": "#/definitions/size"}, "on": {"description": "A | B."}}},
            },
            "definitions": {"size": {"description": "How large."}},
        });
        let values = parse_yaml("size: 2Gi\npart: { size: 3Gi, on: false }").unwrap();
        let table = table(&schema, &values).unwrap();
        assert!(
            table.ends_with("| `size` | `2Gi` | How large. |\n| `part.on` | `false` | A \\| B. |\n"),
            "{table}"
        );
    }

    #[test]
    fn a_key_without_a_description_is_an_error() {
        let error = table(&json!({"properties": {"key": {}}}), &json!({})).unwrap_err();
        assert!(error.to_string().contains("key: no description"), "{error}");
    }

    #[test]
    fn the_table_stands_between_its_markers() {
        let readme = format!("a\n{BEGIN}old\n{END}z\n");
        assert_eq!(replace(&readme, "new\n").unwrap(), format!("a\n{BEGIN}new\n{END}z\n"));
        assert!(replace("a\n", "new\n").is_err());
    }
}

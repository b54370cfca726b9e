//! README.md's table of settings is what the doc comments say, or this fails.

use std::fmt::Write as _;

use serde_json::Value;

use super::Config;

const BEGIN: &str = "<!-- settings: written by `UPDATE_README=1 cargo test --lib readme` -->\n";
const END: &str = "<!-- end of settings -->\n";

/// A row for each key: its name, its default, its doc comment.
fn table() -> String {
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let mut table = String::from("| key | default | meaning |\n|---|---|---|\n");
    for (section, property) in schema["properties"].as_object().unwrap() {
        let name = property["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for (key, knob) in schema["$defs"][name]["properties"].as_object().unwrap() {
            let default = match &defaults[section][key] {
                Value::Null => String::new(),
                Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            let meaning = knob["description"].as_str().unwrap().replace('\n', " ").replace('|', "\\|");
            writeln!(table, "| `{section}.{key}` | {default} | {meaning} |").unwrap();
        }
    }
    table
}

#[test]
fn readme_has_the_settings_as_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the first marker");
    let (written, after) = rest.split_once(END).expect("README.md has the second marker");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(written, table(), "README.md is behind: UPDATE_README=1 cargo test --lib readme");
    }
}

#[test]
fn every_setting_is_explained() {
    for row in table().lines().skip(2) {
        let meaning = row.split(" | ").nth(2).unwrap();
        assert!(meaning.ends_with(". |") && meaning.len() > 20, "{row}");
    }
}

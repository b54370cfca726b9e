//! What the schema says of a number, and the chart's with it, is what the loader takes, or this fails.

use super::*;

/// Every number of the configuration, with its least and its greatest value.
fn numbers() -> Vec<(String, Option<i64>, Option<i64>)> {
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let mut numbers = Vec::new();
    for (section, property) in schema["properties"].as_object().unwrap() {
        let name = property["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for (key, knob) in schema["$defs"][name]["properties"].as_object().unwrap() {
            if knob["type"].to_string().contains("integer") {
                let key = format!("{section}.{key}");
                numbers.push((key, knob["minimum"].as_i64(), knob["maximum"].as_i64()));
            }
        }
    }
    numbers
}

/// Whether the loader has nothing against this value by itself. It may contradict another key's.
fn is_taken(key: &str, value: i64) -> bool {
    let variable = format!("{PREFIX}{}", key.replace('.', "__").to_uppercase());
    let loaded = from_sources(None, [(variable.clone(), value.to_string())].into_iter());
    loaded.err().is_none_or(|error| !error.to_string().contains(&variable))
}

#[test]
fn the_schemas_ranges_are_the_loaders() {
    let numbers = numbers();
    assert!(numbers.len() > 5, "{numbers:?}");
    for (key, least, greatest) in numbers {
        let least = least.unwrap();
        assert!(is_taken(&key, least) && !is_taken(&key, least - 1), "{key} from {least}");
        if let Some(greatest) = greatest {
            assert!(!is_taken(&key, greatest + 1), "{key} to {greatest}");
        }
    }
}

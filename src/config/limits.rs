//! Limits of the settings, read from the schema: ranges of integers, and relations between two settings.
//!
//! The Helm chart checks the same limits, because `cargo xtask chart` copies them from the schema.

use std::time::Duration;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::error::Error;
use super::settings::Config;

/// A setting outside its limits.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) expected: String,
}

/// The keywords of the schema that relate a setting to another: their words, and whether equality is allowed.
const RELATIONS: [(&str, &str, bool); 2] =
    [("x-less-than", "less than", false), ("x-at-most", "at most", true)];

/// Returns the first setting outside its range, or else the first that contradicts another setting.
pub(super) fn violation(config: &Config) -> Result<Option<Violation>, Error> {
    let schema = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
    let schema = Json::from(schema.into_generator().into_root_schema_for::<Config>());
    let config = serde_json::to_value(config).map_err(Error::source)?;
    let settings: Vec<_> = settings(&config).collect();
    let limits = |key| schema.pointer(&format!("/properties/{}", pointer(key, "/properties/")));
    let mut ranges = settings.iter().filter_map(|(key, value)| outside_range(key, value, limits(key)?));
    let relations =
        settings.iter().filter_map(|(key, value)| contradiction(key, value, limits(key)?, &config));
    Ok(ranges.next().or_else(|| relations.into_iter().next()))
}

/// Returns every setting by its dotted key.
fn settings(config: &Json) -> impl Iterator<Item = (String, &Json)> {
    config.as_object().into_iter().flatten().flat_map(|(section, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, value)| (format!("{section}.{key}"), value))
    })
}

fn pointer(key: &str, separator: &str) -> String {
    key.replace('.', separator)
}

fn outside_range(key: &str, value: &Json, limits: &Json) -> Option<Violation> {
    let (minimum, maximum) = (limits["minimum"].as_u64().unwrap_or(0), limits["maximum"].as_u64());
    let number = value.as_u64()?;
    let expected = match maximum {
        Some(maximum) if number < minimum || number > maximum => format!("expected {minimum} to {maximum}"),
        None if number < minimum => format!("expected at least {minimum}"),
        _ => return None,
    };
    Some(Violation { key: key.to_owned(), value: shown(value), expected })
}

fn contradiction(key: &str, value: &Json, limits: &Json, config: &Json) -> Option<Violation> {
    RELATIONS.iter().find_map(|(keyword, words, or_equal)| {
        let relation = limits.get(keyword)?;
        let (other_key, because) = (relation["key"].as_str()?, relation["because"].as_str()?);
        let other = config.pointer(&format!("/{}", pointer(other_key, "/")))?;
        let (size, limit) = (size(value)?, size(other)?);
        let holds = size < limit || (*or_equal && size == limit);
        let expected =
            || format!("expected {words} {other_key}, which is {}, because {because}", shown(other));
        (!holds).then(|| Violation { key: key.to_owned(), value: shown(value), expected: expected() })
    })
}

/// Returns an integer, or the nanoseconds of a duration.
fn size(value: &Json) -> Option<u128> {
    let nanoseconds = || humantime::parse_duration(value.as_str()?).ok().as_ref().map(Duration::as_nanos);
    value.as_u64().map(u128::from).or_else(nanoseconds)
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_is_between_two_settings_that_can_be_compared() {
        let schema = Json::from(schemars::schema_for!(Config));
        let config = serde_json::to_value(Config::default()).unwrap();
        let mut found = 0;
        for definition in schema["$defs"].as_object().unwrap().values() {
            for (key, limits) in definition["properties"].as_object().into_iter().flatten() {
                for relation in RELATIONS.iter().filter_map(|(keyword, ..)| limits.get(keyword)) {
                    let other = relation["key"].as_str().unwrap();
                    let other = config.pointer(&format!("/{}", pointer(other, "/")));
                    assert!(other.is_some_and(|value| size(value).is_some()), "{key}: {relation}");
                    assert!(relation["because"].is_string(), "{key}: {relation}");
                    found += 1;
                }
            }
        }
        assert_eq!(found, 2);
    }
}

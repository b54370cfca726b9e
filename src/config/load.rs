//! Merges the defaults, the file and the environment into a checked [`Config`].

#[cfg(test)]
mod chart;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::path::Path;

use config::{ConfigError, File, Source as _, Value, ValueKind};
use serde_json::Value as Json;

use super::environment::Variables;
use super::error::Error;
use super::limits::{self, Violation};
use super::otel::Otel;
use super::settings::Config;

/// Loads the configuration from the defaults, the `file`, and the environment of the process.
pub fn load(file: Option<&Path>) -> Result<Config, Error> {
    merge(file, &Variables::of_process()?)
}

fn merge(file: Option<&Path>, variables: &Variables) -> Result<Config, Error> {
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        builder = builder.add_source(File::from(path));
    }
    let merged = builder.add_source(variables.clone()).build().map_err(Error::source)?;

    check(&merged.cache, variables)
}

/// Returns the configuration of the `merged` values, or the first error in it.
fn check(merged: &Value, variables: &Variables) -> Result<Config, Error> {
    let defaults = serde_json::to_value(Config::default()).map_err(Error::source)?;
    for (key, value) in variables.collect().map_err(Error::source)? {
        check_variable(&key, &value, &defaults)?;
    }
    check_keys("", merged, &defaults)?;

    let mut config = deserialize(merged)?;
    config.otel = Otel::from_variables(variables.by_name())?;
    if let Some(Violation { key, value, expected }) = limits::violation(&config)? {
        return Err(refused(merged, &key, value, &expected));
    }
    if config.faults.enabled && config.faults.token_file.is_none() {
        let expected =
            "expected faults.token_file too, the path of a file with the token of requests to /faults/";
        return Err(refused(merged, "faults.enabled", true, expected));
    }
    config.database.connect_options()?;
    config.database.read_options()?;
    Ok(config)
}

/// Refuses a variable whose key does not exist, or whose key is a whole table: after merging, the table's
/// other keys would hide it.
fn check_variable(key: &str, value: &Value, defaults: &Json) -> Result<(), Error> {
    let mut default = defaults;
    for name in key.split('.') {
        default = match default.as_object().map(|table| table.get(name).ok_or(table)) {
            Some(Ok(inner)) => inner,
            Some(Err(table)) => return Err(unknown_key(key, value, table)),
            None => return Err(Error::value(key, value, "the setting above this key is not a table")),
        };
    }
    if default.is_object() { Err(Error::value(key, value, "expected a table of keys")) } else { Ok(()) }
}

/// Refuses keys that do not exist. serde would too, but its error has neither the whole key nor the source.
fn check_keys(path: &str, given: &Value, defaults: &Json) -> Result<(), Error> {
    let (ValueKind::Table(given), Json::Object(defaults)) = (&given.kind, defaults) else { return Ok(()) };
    for (key, value) in given {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(default) = defaults.get(key) else { return Err(unknown_key(&path, value, defaults)) };
        if default.is_object() && !matches!(value.kind, ValueKind::Table(_)) {
            return Err(Error::value(&path, value, "expected a table of keys"));
        }
        check_kind(&path, value, default)?;
        check_keys(&path, value, default)?;
    }
    Ok(())
}

/// Refuses values that the `config` crate would convert without a message: 1.5 into 2, 2 into true, true into 1.
fn check_kind(path: &str, value: &Value, default: &Json) -> Result<(), Error> {
    let expected = match (&value.kind, default) {
        (ValueKind::Float(_) | ValueKind::Boolean(_), Json::Number(_) | Json::Null) => "expected an integer",
        (ValueKind::I64(_) | ValueKind::U64(_) | ValueKind::Float(_), Json::Bool(_)) => "expected a boolean",
        _ => return Ok(()),
    };
    Err(Error::value(path, value, expected))
}

fn unknown_key(path: &str, value: &Value, table: &serde_json::Map<String, Json>) -> Error {
    Error::unknown_key(path, value, &table.keys().map(String::as_str).collect::<Vec<_>>())
}

fn deserialize(merged: &Value) -> Result<Config, Error> {
    serde_path_to_error::deserialize(merged.clone()).map_err(|error| {
        let key = error.path().to_string();
        let expected = expected(error.into_inner());
        find(merged, &key).map_or_else(
            || Error::source(format!("{key}: {expected}")),
            |value| Error::value(&key, value, &expected),
        )
    })
}

/// Returns the part of an error that says what was expected. Key, value and source are added to it later.
fn expected(error: ConfigError) -> String {
    match error {
        ConfigError::Type { expected, .. } => format!("expected {expected}"),
        ConfigError::At { error, .. } => expected(*error),
        other => other.to_string(),
    }
}

/// Returns the value of a dotted `key`.
fn find<'a>(table: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(table, |value, name| match &value.kind {
        ValueKind::Table(table) => table.get(name),
        _ => None,
    })
}

/// Returns the error for a `value` in force, with the source of the value.
fn refused(merged: &Value, key: &str, value: impl Display, expected: &str) -> Error {
    let default = Value::new(None, value.to_string());
    Error::value(key, find(merged, key).unwrap_or(&default), expected)
}

//! From the sources to a checked [`Config`]: defaults, then a file, then the environment.

use std::collections::BTreeMap;
use std::path::Path;

use config::{ConfigError, File, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

use super::{Config, Error, Otel};

/// What the keys in the environment start with: `FILMS__DATABASE__POOL_SIZE` is
/// `database.pool_size`. Two underscores, because Kubernetes itself sets `FILMS_PORT` and its like
/// beside a Service of that name.
const PREFIX: &str = "FILMS__";

/// Names that other tools already use for one of our keys. The key's own variable wins over them.
const ALIASES: [(&str, &str); 3] = [
    ("DATABASE_URL", "database.url"),
    ("DATABASE_PASSWORD_FILE", "database.password_file"),
    ("RUST_LOG", "log.filter"),
];

/// Loads the configuration from the defaults, the `file`, and the process's environment.
pub fn load(file: Option<&Path>) -> Result<Config, Error> {
    from_sources(
        file,
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
    )
}

/// [`load`], with the environment given.
fn from_sources(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Config, Error> {
    let variables = Variables(variables.collect());
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        builder = builder.add_source(File::from(path));
    }
    let merged = builder.add_source(variables.clone()).build().map_err(Error::source)?;

    checked(&merged.cache, &variables)
}

/// The configuration from its sources in one, or what is wrong with them.
fn checked(merged: &Value, variables: &Variables) -> Result<Config, Error> {
    let defaults = serde_json::to_value(Config::default()).map_err(Error::source)?;
    for (key, value) in variables.collect().map_err(Error::source)? {
        check_variable(&key, &value, &defaults)?;
    }
    check_keys("", merged, &defaults)?;

    let mut config = deserialize(merged)?;
    config.otel = Otel::from_variables(&variables.0)?;
    check_values(&config, merged, &defaults)?;
    config.database.connect_options()?;
    config.database.read_options()?;
    Ok(config)
}

/// The environment as a source. config's own would say "the environment" of every value; this one
/// remembers which variable it was.
#[derive(Clone, Debug)]
struct Variables(BTreeMap<String, String>);

impl Source for Variables {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let aliases =
            ALIASES.into_iter().filter_map(|(name, key)| Some((key.to_owned(), name, self.0.get(name)?)));
        let keys = self.0.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."), name.as_str(), value))
        });
        Ok(aliases
            .chain(keys)
            .map(|(key, name, value)| {
                (key, Value::new(Some(&name.to_owned()), ValueKind::String(value.clone())))
            })
            .collect())
    }
}

/// Refuses a variable whose key no struct knows, or that stands for a whole table: merged with its
/// neighbours it could no longer be told from them.
fn check_variable(key: &str, value: &Value, defaults: &Json) -> Result<(), Error> {
    let mut known = defaults;
    for name in key.split('.') {
        known = match known.as_object().map(|table| table.get(name).ok_or(table)) {
            Some(Ok(inner)) => inner,
            Some(Err(table)) => return Err(unknown_key(key, value, table)),
            None => return Err(Error::value(key, value, "this key has none below it")),
        };
    }
    if known.is_object() { Err(Error::value(key, value, "expected a table of keys")) } else { Ok(()) }
}

/// Refuses keys that no struct knows, with the ones it does: serde would name neither the whole
/// path nor where the key came from.
fn check_keys(path: &str, given: &Value, known: &Json) -> Result<(), Error> {
    let (ValueKind::Table(given), Json::Object(known)) = (&given.kind, known) else { return Ok(()) };
    for (key, value) in given {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(known_value) = known.get(key) else { return Err(unknown_key(&path, value, known)) };
        if known_value.is_object() && !matches!(value.kind, ValueKind::Table(_)) {
            return Err(Error::value(&path, value, "expected a table of keys"));
        }
        check_keys(&path, value, known_value)?;
    }
    Ok(())
}

fn unknown_key(path: &str, value: &Value, known: &serde_json::Map<String, Json>) -> Error {
    Error::unknown_key(path, value, &known.keys().map(String::as_str).collect::<Vec<_>>())
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

/// What was expected, from an error that already stands beside its key and value.
fn expected(error: ConfigError) -> String {
    match error {
        ConfigError::Type { expected, .. } => format!("expected {expected}"),
        ConfigError::At { error, .. } => expected(*error),
        other => other.to_string(),
    }
}

/// The value of a dotted `key`.
fn find<'a>(table: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(table, |value, name| match &value.kind {
        ValueKind::Table(table) => table.get(name),
        _ => None,
    })
}

/// The rules that types do not express, and the contradictions between keys.
fn check_values(config: &Config, merged: &Value, defaults: &Json) -> Result<(), Error> {
    let database = &config.database;
    let batch_fits = format!(
        "expected at most database.queue_size, which is {}: a batch is taken from its queue",
        database.queue_size
    );
    let body_first = format!(
        "expected less than http.request_timeout, which is {}: the body is a part of the request",
        humantime::format_duration(config.http.request_timeout)
    );
    let rules = [
        ("http.max_body_size", config.http.max_body_size > 0, "expected at least 1 byte"),
        ("http.threads", (1..=1024).contains(&config.http.threads()), "expected 1 to 1024 threads"),
        ("http.max_connections", config.http.max_connections > 0, "expected at least 1"),
        ("http.body_timeout", !config.http.body_timeout.is_zero(), "expected more than 0s"),
        ("http.body_timeout", config.http.body_timeout < config.http.request_timeout, &body_first),
        ("http.request_timeout", !config.http.request_timeout.is_zero(), "expected more than 0s"),
        ("http.header_timeout", !config.http.header_timeout.is_zero(), "expected more than 0s"),
        ("database.pool_size", (1..=10_000).contains(&database.pool_size), "expected 1 to 10000 connections"),
        (
            "database.max_batch_size",
            (1..=10_000).contains(&database.max_batch_size),
            "expected 1 to 10000 requests",
        ),
        (
            "database.queue_size",
            (1..=1_000_000).contains(&database.queue_size),
            "expected 1 to 1000000 requests",
        ),
        ("database.max_batch_size", database.max_batch_size <= database.queue_size, &batch_fits),
        ("database.connect_timeout", !database.connect_timeout.is_zero(), "expected more than 0s"),
        ("database.query_timeout", !database.query_timeout.is_zero(), "expected more than 0s"),
        ("readiness.interval", !config.readiness.interval.is_zero(), "expected more than 0s"),
        (
            "log.filter",
            config.log.is_valid(),
            "expected a level (error, warn, info, debug, trace) or target=level pairs",
        ),
    ];
    for (key, holds, expected) in rules {
        if !holds {
            let default = defaults.pointer(&format!("/{}", key.replace('.', "/")));
            let default = Value::new(None, default.map(Json::to_string));
            return Err(Error::value(key, find(merged, key).unwrap_or(&default), expected));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "chart.rs"]
mod chart;
#[cfg(test)]
#[path = "ranges.rs"]
mod ranges;
#[cfg(test)]
#[path = "tests.rs"]
mod tests;

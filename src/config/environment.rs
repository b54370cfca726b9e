//! Variables of the environment as a layer of the configuration.

#![expect(clippy::disallowed_methods, reason = "the environment is a layer of the configuration")]

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::error::Error;

/// Prefix of the variables that set keys: `FILMS__DATABASE__POOL_SIZE` sets `database.pool_size`. The
/// prefix ends with two underscores, because Kubernetes sets `FILMS_PORT` and similar variables for a
/// Service named `films`.
pub(super) const PREFIX: &str = "FILMS__";

/// Variables that other tools use for the same settings. A key's own variable overrides them.
const ALIASES: [(&str, &str); 3] = [
    ("DATABASE_URL", "database.url"),
    ("DATABASE_PASSWORD_FILE", "database.password_file"),
    ("RUST_LOG", "log.filter"),
];

/// The environment as a source of the `config` crate. That crate has an environment source too, but its
/// errors do not name the variable.
#[derive(Clone, Debug)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads the variables of the process.
    pub(super) fn of_process() -> Result<Self, Error> {
        Self::new(env::vars_os())
    }

    /// Collects `variables`. A variable that is not Unicode is an error if it could be a setting, and is
    /// ignored otherwise.
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let mut unicode = BTreeMap::new();
        for (name, value) in variables {
            let shown = name.to_string_lossy().into_owned();
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => {
                    unicode.insert(name, value);
                }
                _ if is_setting(&shown) => return Err(Error::not_unicode(&shown)),
                _ => {}
            }
        }
        Ok(Self(unicode))
    }

    /// Returns the variables by name.
    pub(super) fn by_name(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn is_setting(name: &str) -> bool {
    name.starts_with(PREFIX) || name.starts_with("OTEL_") || ALIASES.iter().any(|(alias, _)| *alias == name)
}

impl Source for Variables {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let aliases = ALIASES.into_iter().map(|(name, key)| (name, key.to_owned()));
        let keys = self.0.keys().filter_map(|name| {
            Some((name.as_str(), name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".")))
        });
        Ok(aliases
            .chain(keys)
            .filter_map(|(name, key)| {
                let text = self.0.get(name)?.clone();
                Some((key, Value::new(Some(&name.to_owned()), ValueKind::String(text))))
            })
            .collect())
    }
}

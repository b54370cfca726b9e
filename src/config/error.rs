//! What is wrong with a configuration, in one line for a person.

use config::Value;

/// A configuration that cannot be used. Its text is one line that names the key, the value, where
/// the value came from, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration: {0}")]
pub struct Error(String);

impl Error {
    /// A `value` of `key` that is not what was `expected`.
    pub(super) fn value(key: &str, value: &Value, expected: impl std::fmt::Display) -> Self {
        let origin = value.origin().unwrap_or("the defaults");
        // A URL may hold a password; what is wrong with it is said without quoting it.
        let shown = if key == "database.url" { "(not shown)".to_owned() } else { value.to_string() };
        Self(format!("{key} = {shown} (from {origin}): {expected}"))
    }

    /// A key that is in no table of the reference.
    pub(super) fn unknown_key(key: &str, value: &Value, known: &[&str]) -> Self {
        let origin = value.origin().unwrap_or("the defaults");
        Self(format!("{key} (from {origin}): unknown key, expected one of {}", known.join(", ")))
    }

    /// A variable outside our own keys that is not what was expected.
    pub(super) fn variable(name: &str, value: &str, expected: impl std::fmt::Display) -> Self {
        Self(format!("{name} = {value} (from the environment): expected {expected}"))
    }

    /// A source that cannot be read at all.
    pub(super) fn source(text: impl std::fmt::Display) -> Self {
        // Parsers of files like to draw where they stopped; one line is enough.
        let text = text.to_string();
        Self(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

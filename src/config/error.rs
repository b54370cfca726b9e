//! What is wrong with a configuration, in one line for a person.

use std::fmt::Display;

use config::{Value, ValueKind};

/// A configuration that cannot be used. Its text is one line that names the key, the value, where
/// the value came from, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration: {0}")]
pub struct Error(String);

impl Error {
    /// A `value` of `key` that is not what was `expected`.
    pub(super) fn value(key: &str, value: &Value, expected: impl Display) -> Self {
        // A URL may hold a password; what is wrong with it is said without quoting it.
        let value_shown = value.to_string();
        let secret = ["database.url", "database.read_url"].iter().any(|url| key.starts_with(url))
            || value_shown.contains("://");
        let shown = if secret { "(not shown)" } else { &value_shown };
        Self::line(format!("{key} = {shown} (from {}): {expected}", origin(value)))
    }

    /// A key that is in no table of the reference.
    pub(super) fn unknown_key(key: &str, value: &Value, known: &[&str]) -> Self {
        let known = known.join(", ");
        Self::line(format!("{key} (from {}): unknown key, expected one of {known}", origin(value)))
    }

    /// A variable outside our own keys that is not what was expected.
    pub(super) fn variable(name: &str, value: &str, expected: impl Display) -> Self {
        Self::line(format!("{name} = {value} (from the environment): expected {expected}"))
    }

    /// A source that cannot be read at all.
    pub(super) fn source(text: impl Display) -> Self {
        // Parsers of files like to draw the line where they stopped, which may hold a password.
        let text = text.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains('|')).collect();
        Self::line(lines.join(": "))
    }

    fn line(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Where a value came from. A table has no origin of its own, but what is in it has.
fn origin(value: &Value) -> &str {
    let inner = || match &value.kind {
        ValueKind::Table(table) => table.values().next().map(origin),
        _ => None,
    };
    value.origin().or_else(inner).unwrap_or("the defaults")
}

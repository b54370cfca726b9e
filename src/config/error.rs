//! The error of a configuration that cannot be used: one line for a person.

use std::fmt::Display;

use config::{Value, ValueKind};

/// A configuration that cannot be used. The text is one line with the key, the value, the source of the
/// value, and what was expected.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration: {0}")]
pub struct Error(String);

impl Error {
    /// Reports a `value` of `key` that is not what was `expected`.
    pub(super) fn value(key: &str, value: &Value, expected: impl Display) -> Self {
        // A URL may contain a password.
        let text = value.to_string();
        let is_url = ["database.url", "database.read_url"].iter().any(|url| key.starts_with(url));
        let shown = if is_url || text.contains("://") { "(not shown)" } else { &text };
        Self::line(format!("{key} = {shown} (from {}): {expected}", origin(value)))
    }

    /// Reports a key that the configuration does not have, with the keys that its table has.
    pub(super) fn unknown_key(key: &str, value: &Value, expected: &[&str]) -> Self {
        let expected = expected.join(", ");
        Self::line(format!("{key} (from {}): unknown key, expected one of {expected}", origin(value)))
    }

    /// Reports the value of a variable that sets no key.
    pub(super) fn variable(name: &str, value: &str, expected: impl Display) -> Self {
        Self::line(format!("{name} = {value} (from the environment): expected {expected}"))
    }

    /// Reports the value of a variable that may contain a password.
    pub(super) fn secret_variable(name: &str, expected: impl Display) -> Self {
        Self::variable(name, "(not shown)", expected)
    }

    /// Reports a variable with bytes that are not UTF-8. The value is left out: it may be a password.
    pub(super) fn not_unicode(name: &str) -> Self {
        Self::line(format!("{name} (from the environment): not valid Unicode, expected UTF-8 text"))
    }

    /// Reports a source that cannot be read.
    pub(super) fn source(text: impl Display) -> Self {
        // The parsers of TOML and YAML quote the line where they stopped, which may contain a password.
        let text = text.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains('|')).collect();
        Self::line(lines.join(": "))
    }

    fn line(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Returns the source of a value. A table has none, so the source of its first value is returned.
fn origin(value: &Value) -> &str {
    let inner = || match &value.kind {
        ValueKind::Table(table) => table.values().next().map(origin),
        _ => None,
    };
    value.origin().or_else(inner).unwrap_or("the defaults")
}

//! Types of single values. Each type checks its text when the configuration is loaded, and its error says
//! what was expected.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Longest duration of a setting. Much longer ones overflow the clock.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// A duration of more than zero and at most 30 days, written with units: `500ms`, `5s`, `1m 30s`.
///
/// The pattern of the schema allows the units that the Helm chart can add up, and so few digits that the sum
/// is in range. The loader also reads the other units of [`humantime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("x-expected" = "more than 0s, with units: 500ms, 5s or 1m 30s", "pattern" = "^0*([1-9][0-9]{0,7}ms|[1-9][0-9]{0,4}s|[1-9][0-9]{0,3}m|[1-9][0-9]?h)( ?([0-9]{1,8}ms|[0-9]{1,5}s|[0-9]{1,4}m|[0-9]{1,2}h)){0,3}$"))]
pub struct Timeout(Duration);

impl Timeout {
    /// Wraps a default value.
    pub(super) const fn from_secs(seconds: u64) -> Self {
        assert!(seconds > 0, "a timeout is more than zero");
        Self(Duration::from_secs(seconds))
    }

    /// Returns the duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Timeout {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let duration = parse_duration(&text)?;
        if duration.is_zero() { Err("expected more than 0s") } else { Ok(Self(duration)) }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self.0))
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> Self {
        timeout.to_string()
    }
}

/// A duration that may be zero, and is at most 30 days: `0s`, `500ms`, `1m 30s`. Its pattern allows the same
/// units as that of [`Timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("x-expected" = "a duration with units: 0s, 500ms, 5s or 1m 30s", "pattern" = "^0*([0-9]{1,8}ms|[0-9]{1,5}s|[0-9]{1,4}m|[0-9]{1,2}h)( ?([0-9]{1,8}ms|[0-9]{1,5}s|[0-9]{1,4}m|[0-9]{1,2}h)){0,3}$"))]
pub struct Delay(Duration);

impl Delay {
    /// Wraps a default value.
    pub(super) const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Returns the duration.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Delay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse_duration(&text).map(Self)
    }
}

impl From<Delay> for String {
    fn from(delay: Delay) -> Self {
        text(delay.0)
    }
}

/// Writes a duration in hours and smaller units, which the patterns allow.
fn text(duration: Duration) -> String {
    let hours = duration.as_secs() / 3600;
    let rest = duration.saturating_sub(Duration::from_hours(hours));
    if hours < 24 {
        humantime::format_duration(duration).to_string()
    } else if rest.is_zero() {
        format!("{hours}h")
    } else {
        format!("{hours}h {}", humantime::format_duration(rest))
    }
}

fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => Err("expected at most 30 days"),
        Err(_) => Err("expected a duration with its unit, such as 500ms or 5s"),
    }
}

/// An IP address with a port: `0.0.0.0:5000`, `[::]:5000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("x-expected" = "an IP address with a port, such as 0.0.0.0:5000 or [::]:5000", "pattern" = r"^([0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]{1,5}$"))]
pub struct Address(SocketAddr);

impl Address {
    /// Wraps a default value.
    pub(super) fn new(address: impl Into<SocketAddr>) -> Self {
        Self(address.into())
    }

    /// Returns the address.
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let expected = "expected an IP address with a port, such as 0.0.0.0:5000 or [::]:5000";
        text.parse().map(Self).map_err(|_| expected)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.to_string()
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// Text for people.
    Text,
}

/// Deserializes an enum from the name of a variant. The `config` crate can do so too, but its error does
/// not list the names.
pub(super) fn name<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(input)?.into_deserializer())
}

#[cfg(test)]
mod tests;

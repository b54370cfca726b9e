//! The body of every failure.

use serde::Serialize;

/// Problem details by RFC 9457.
#[derive(Clone, Debug, Serialize)]
pub struct Problem<'a> {
    /// Names the kind of failure. Stable: clients may branch on it.
    pub r#type: String,
    /// The kind of failure in words.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// What the client can do, if it can do something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

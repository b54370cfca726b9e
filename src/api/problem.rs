//! The body of every failure.

use serde::Serialize;
use utoipa::ToSchema;

/// Problem details by RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// Names the kind of failure. Stable: clients may branch on it.
    pub r#type: String,
    /// The kind of failure in words.
    pub title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What the client can do, if it can do something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

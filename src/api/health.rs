//! The bodies of `GET /healthz` and `GET /readyz` on the admin port.

use std::collections::BTreeMap;

use serde::Serialize;

/// The body of `/healthz`.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Always `alive`.
    pub status: &'static str,
}

/// The body of `/readyz`: the readiness, by the last background check.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// `ready` or `unready`.
    pub status: &'static str,
    /// The state of the database: `connecting`, `up`, `read_only`, `behind`, `untracked`, `unusable`
    /// or `down`.
    pub database: &'static str,
    /// The state of the replica, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<&'static str>,
    /// Why the instance is unready, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The queries that fail at present, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failing: BTreeMap<&'static str, String>,
}

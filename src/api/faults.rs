//! The bodies of `/faults/` on the admin port.

use serde::{Deserialize, Serialize};

/// What `POST /faults/{fault}/` starts. Each fault takes some of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRequest {
    /// How long the fault runs.
    pub seconds: u64,
    /// How long a request or a query waits.
    pub milliseconds: Option<u64>,
    /// The share of requests that fail.
    pub share: Option<f64>,
}

/// The faults that run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningFaults {
    /// One of each kind at most.
    pub faults: Vec<RunningFault>,
}

/// A fault that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningFault {
    /// The name, as in the path.
    pub fault: &'static str,
    /// The time until its end, rounded up.
    pub seconds_left: u64,
    /// How long a request or a query waits, if the fault makes it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// The share of requests that fail, if the fault makes them fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

//! The bodies of `/faults/` on the admin port.

use serde::{Deserialize, Serialize};

/// The body of `POST /faults/{fault}/`. Each fault takes some of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRequest {
    /// How long the fault runs, in seconds.
    pub seconds: u64,
    /// How long a request or a query waits, in milliseconds. For `latency` and `slow_query`.
    pub milliseconds: Option<u64>,
    /// The share of requests that fail, above 0 up to 1. For `errors`.
    pub share: Option<f64>,
}

/// The faults that run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningFaults {
    /// At most one fault of each kind.
    pub faults: Vec<RunningFault>,
}

/// A fault that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunningFault {
    /// The name, as in the path.
    pub fault: &'static str,
    /// The time until the end of the fault, in seconds, rounded up.
    pub seconds_left: u64,
    /// How long a request or a query waits, in milliseconds, if the fault makes it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// The share of requests that fail, if the fault makes them fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

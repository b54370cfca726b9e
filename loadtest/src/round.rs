//! The figures of a single measurement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// Number of the round, from 1.
    pub round: u32,
    /// Number of responses, errors included.
    pub requests: u64,
    /// Real length in seconds.
    pub seconds: f64,
    /// Failed requests.
    pub errors: Errors,
    /// Times from request to response.
    pub latency_ms: Latency,
    /// Cores that the generator kept busy.
    pub generator_cores: f64,
    /// Resources that the server used. `None` is unknown.
    pub server: Option<Usage>,
    /// Cores that each observed process kept busy. A process that could not be read is missing.
    #[serde(default)]
    pub observed_cores: BTreeMap<String, f64>,
    /// Requests that an open loop could not send in time.
    #[serde(default)]
    pub dropped: u64,
    /// Thresholds of the workload that did not hold.
    #[serde(default)]
    pub failed_thresholds: Vec<String>,
}

/// Numbers of failed requests, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Responses with a status of 400 or more.
    pub status: u64,
    /// Connections that could not be opened.
    pub connect: u64,
    /// Failed reads.
    pub read: u64,
    /// Failed writes.
    pub write: u64,
    /// Requests without a response in time.
    pub timeout: u64,
}

/// Times from request to response, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Maximum.
    pub max: f64,
}

/// Resources that a server used during a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all processes of the server.
    pub cpu_seconds: f64,
    /// Sum of the largest resident sizes of all processes so far, in bytes. Shared pages count for
    /// every process.
    pub peak_memory: u64,
}

impl Errors {
    /// Returns the number of all failed requests.
    pub fn total(&self) -> u64 {
        self.status + self.connect + self.read + self.write + self.timeout
    }
}

impl Usage {
    /// Returns the use since an earlier reading, or `None` if CPU time was lost: a process has ended,
    /// and its parent is not part of the server.
    pub fn since(self, before: Self) -> Option<Self> {
        let cpu_seconds = self.cpu_seconds - before.cpu_seconds;
        (cpu_seconds >= 0.0).then_some(Self { cpu_seconds, ..self })
    }
}

impl Round {
    /// Returns the number of responses with a status below 400.
    pub fn successes(&self) -> u64 {
        self.requests.saturating_sub(self.errors.status)
    }

    /// Returns the number of successful responses a second.
    pub fn rate(&self) -> f64 {
        self.successes() as f64 / self.seconds
    }
}

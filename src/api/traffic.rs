//! The body of the event `traffic` of `GET /events`.

use serde::Serialize;

/// The traffic of the instance during about a second. Rates are per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// Requests to the routes of the API.
    pub requests: f64,
    /// Requests among them that got a status of 500 or more.
    pub failures: f64,
    /// Durations of these requests.
    pub latency: Latency,
    /// Reads, by the source of the response.
    pub reads: Reads,
    /// Queries that ran for requests.
    pub queries: f64,
    /// How many requests shared a query.
    pub batch_size: BatchSize,
}

/// Percentiles of the duration of a request, in seconds, estimated from the buckets of a histogram. Both
/// are `None` without requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
}

/// Reads per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reads {
    /// Reads from memory, under a lease.
    pub lease: f64,
    /// Reads that waited for a query.
    pub batch: f64,
}

/// Mean numbers of requests that shared a query. `None` if no such query ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BatchSize {
    /// Mean number of requests of a query that reads.
    pub reads: Option<f64>,
    /// Mean number of requests of a query that stores reviews.
    pub reviews: Option<f64>,
}

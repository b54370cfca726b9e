//! Logs, traces and metrics. [`init()`] starts them and returns a [`Telemetry`], which stops them. The rest
//! of the crate uses only `tracing` and the instruments, and does not know who receives the data.
//!
//! Without an OTLP endpoint there is no tracing layer, so that a span costs one branch.

mod buckets;
mod exemplars;
mod format;
mod init;
mod instrument;
mod instruments;
mod openmetrics;
mod otlp;
pub(crate) mod sampling;

pub(crate) use exemplars::Exemplars;
pub use init::{Telemetry, init};
pub use instruments::instruments;
pub(crate) use instruments::{
    ACTIVE_REQUESTS, BATCH_QUEUE, BATCH_SIZE, BATCH_WAIT, CONNECTION_COUNT, CONNECTION_MAX,
    DATABASE_REACHABLE, FAULTS, LEASES, QUERY_FAILURES, READS, READY, REPLICA_LAG, REQUEST_DURATION,
};
pub(crate) use openmetrics::OpenMetrics;
pub use otlp::Error;

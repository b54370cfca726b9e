//! Logs, traces and metrics. [`init()`] starts them and returns a [`Telemetry`], which stops them. The rest
//! of the crate uses only `tracing` and the global meter, and does not know who receives the data.
//!
//! Without an OTLP endpoint there is no tracing layer, so that a span costs one branch.

mod buckets;
mod format;
mod init;
mod otlp;
pub(crate) mod sampling;

pub(crate) use buckets::SECONDS;
pub use init::{Telemetry, init};
pub use otlp::Error;

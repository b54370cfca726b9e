//! The service `films`: a film catalogue with reviews. `ARCHITECTURE.md` in the repository explains the
//! design; this is the map, outermost module first.

// Settings, from files and the environment.
pub mod config;

// Logs, traces and metrics.
pub mod telemetry;

// One instance: ports, worker threads, the order of stopping.
pub mod server;

// Which injected faults run until when.
mod faults;

// Whether the instance should receive traffic.
mod readiness;

// Figures of the traffic, for the page at `/`.
mod live;

// Routes, statuses, headers, HTTP spans and metrics.
mod http;

// SQL, connections, batches, the cache.
pub mod db;

// Bodies on the wire.
pub mod api;

// The client behind `films check`.
mod probe;

// The version and the commit of the build.
mod version;

pub use http::openapi_document;
pub use probe::check;
pub use version::LONG_VERSION;

//! Settings of the service: defaults, then a file, then the environment. Each layer overrides the one
//! before it. [`load()`] merges the layers and checks every value.
//!
//! The doc comment of a setting is its documentation everywhere: `films config --schema` prints it, and
//! the reference of settings and the schema of the Helm chart are generated from it.

mod connect;
mod database;
mod environment;
mod error;
mod faults;
mod limits;
mod load;
mod log_filter;
mod origins;
mod otel;
mod secret;
mod settings;
mod values;

pub use database::{Database, DatabaseUrl};
pub use error::Error;
pub use faults::Faults;
pub use load::load;
pub use log_filter::LogFilter;
pub use origins::Origins;
pub use otel::Otel;
pub use settings::{Admin, Config, Http, Log, Readiness, Reviews, Shutdown};
pub use values::{Address, Delay, LogFormat, Timeout};

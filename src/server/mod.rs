//! Runs one instance: ports, worker threads, connections, and the order of stopping.

mod connection;
mod error;
mod lifecycle;
mod listener;
mod threads;

pub use error::Error;
pub use lifecycle::{Server, StopMode};

//! Runs one instance: ports, worker threads, connections, and the order of stopping.

mod activity;
mod chunks;
mod connection;
mod descriptors;
mod error;
mod lifecycle;
mod listener;
mod slots;
mod socket;
mod threads;
mod upload;

pub use error::Error;
pub use lifecycle::{Server, StopMode, Stopped};

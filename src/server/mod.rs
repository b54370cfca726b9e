//! One instance: its ports, its worker threads, and the order in which it stops.

mod connection;
mod error;
mod lifecycle;
mod listener;
mod threads;

pub use error::Error;
pub use lifecycle::{Server, StopMode};

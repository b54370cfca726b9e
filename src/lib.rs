#![doc = include_str!("../ARCHITECTURE.md")]

pub mod config;
pub mod telemetry;

pub mod server;

mod cores;

mod listener;

mod connection;

mod http;

pub mod db;

mod check;
mod version;

pub use check::check;
pub use version::LONG_VERSION;

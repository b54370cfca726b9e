//! Failures are reported as problem details, with a fitting status and no internal information.

mod bad_request;
mod connection;
mod database;

//! The service from outside: every test starts the real binary on its own database, and uses the
//! service as its users do.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

mod browser;
mod coding;
mod conditional;
mod config;
mod connections;
mod contract;
mod cors;
mod docs;
mod documents;
mod failures;
mod faults;
mod filters;
mod fresh;
mod idempotency;
mod leases;
mod lifecycle;
mod migrate;
mod openapi;
mod page;
mod postgres;
mod readiness;
mod replica;
mod reviews;
mod roles;
mod telemetry;

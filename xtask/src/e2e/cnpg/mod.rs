//! The scenario `cnpg`: three instances of `CloudNativePG`. `scenario.rs` has the order of the steps.

mod backup;
mod cost;
pub(super) mod database;
mod failover;
mod scenario;
mod switchover;

pub(super) use scenario::run;

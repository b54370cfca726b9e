//! The scenario `cnpg`: three instances of `CloudNativePG`. `scenario.rs` has the order of the steps.

mod backup;
mod cost;
pub(super) mod database;
mod primary;
mod scenario;

pub(super) use scenario::run;

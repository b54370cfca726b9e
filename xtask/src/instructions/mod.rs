//! `cargo xtask instructions`: whether the hot paths still cost what they did.
//!
//! Times depend on the machine and its load, so no test can hold them. The number of instructions does
//! not, within some tenths of a per cent, if requests follow each other and the service always sleeps
//! when data arrive.

mod budgets;
mod connection;
mod count;
mod relay;
mod verb;

pub(crate) use self::verb::{Args, run};

//! Starts `films` processes and speaks to them.

mod command;
mod instance;
mod wait;

pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod h2;
pub(crate) mod http;
pub(crate) mod pgbouncer;
pub(crate) mod proxy;
pub(crate) mod role;
pub(crate) mod unreachable;
pub(crate) mod viewer;

pub(crate) use command::{Ended, Variables, command, run, set, variables};
pub(crate) use instance::Films;
pub(crate) use wait::{TIMEOUT, until};

//! `cargo xtask bench`: the article's comparison on this machine, from nothing to a report.

mod changes;
mod commits;
mod metadata;
mod pgbench;
mod servers;
mod verb;

pub(crate) use self::verb::{Args, run};

//! `cargo xtask readme`: runs the commands of README.md.

mod blocks;
mod namespace;
mod verb;

pub(crate) use self::verb::{Args, run};

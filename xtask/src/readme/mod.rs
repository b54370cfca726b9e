//! `cargo xtask readme`: runs the commands of README.md.

mod namespace;
mod verb;

pub(crate) use self::verb::{Args, run};

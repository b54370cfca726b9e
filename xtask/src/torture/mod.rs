//! `cargo xtask torture`: breaks everything around the service while clients use it, and checks afterwards that
//! every promise held. `docs/torture.md` is the manual.
//!
//! `rig.rs` has all that runs, `clients/` use it, `faults/` break it, `history.rs` is the file between the run
//! and `check/`. `broken.rs` builds services that break a promise, to check the checker.

mod broken;
mod catalogue;
mod check;
mod clients;
mod database;
mod disk;
mod faults;
mod history;
mod instance;
mod link;
mod recorder;
mod report;
mod rig;
mod run;
mod script;
mod verb;

pub(crate) use self::verb::{Args, run};

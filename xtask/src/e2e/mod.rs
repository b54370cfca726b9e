//! `cargo xtask e2e`: the chart on a real cluster, under the strictest conditions that users have: the
//! namespace enforces the `restricted` Pod Security Standard and denies all traffic that no policy allows.
//!
//! Every scenario is a file. `cluster.rs` has the namespaces and the release, `load.rs` sends requests
//! from outside.

mod cluster;
mod forward;
mod images;
mod install;
mod load;
mod loadtest;
mod manifests;
mod monitoring;
mod outage;
mod roles;
mod scale;
mod trace;
mod uninstall;
mod upgrade;
mod verb;

pub(crate) use self::verb::{Args, run};

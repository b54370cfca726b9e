//! `cargo xtask e2e`: the chart on a real cluster, under the strictest conditions that users have: the
//! namespace enforces the `restricted` Pod Security Standard and denies all traffic that no policy allows.
//!
//! Every scenario is a file or a folder. `cluster.rs` has the namespaces and the release. `load.rs` sends requests
//! from outside, `stream.rs` reviews whose outcomes `record.rs` compares with the database, and `probe.rs` finds reads
//! that are too old. `runbook.rs` runs the commands of a document.

mod client;
mod cluster;
mod cnpg;
mod forward;
mod gateway;
mod graduation;
mod hpa;
mod images;
mod install;
mod k6_operator;
mod load;
mod loadtest;
mod manifests;
mod monitoring;
mod outage;
mod probe;
mod record;
mod roles;
mod runbook;
mod scale;
mod stream;
mod trace;
mod uninstall;
mod upgrade;
mod verb;

pub(crate) use self::verb::{Args, run};

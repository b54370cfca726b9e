//! Measures servers over HTTP, from outside, and reports how much the figures can be trusted.
//!
//! The library knows the contract of films: the routes, the film ids 1 to 1000, and the missing id
//! 4711. The library does not know how a server is built, so it measures a local build, a container, a
//! cluster or the Python applications alike. It reads CPU time and memory of local servers from
//! `/proc` or from a cgroup, and can store a report by Kubernetes' API.
//!
//! [`measure::Plan`] describes a measurement, [`result::Run`] is the result file,
//! [`summary`] derives medians, flags and ratios, [`report`] shows them, [`history`] shows several runs.

#![expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
#![cfg_attr(test, expect(clippy::float_cmp, reason = "exact values are expected of exact ones"))]

pub mod archive;
pub mod burners;
pub mod config_map;
mod format;
pub mod generator;
pub mod history;
mod host;
pub mod k6;
pub mod measure;
mod progress;
pub mod regression;
pub mod report;
pub mod require;
pub mod result;
mod round;
mod stats;
mod summary;
pub mod verify;
pub mod workload;

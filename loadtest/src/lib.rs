//! Measures servers from outside, over HTTP, and says what the figures are worth.
//!
//! It knows base URLs and nothing of the service or its database, so that it can be aimed at any
//! build, container, cluster, or the Python applications. [`result`] is what a run leaves,
//! [`summary`] what follows from it, [`report`] how it is shown.

#![expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
#![cfg_attr(test, expect(clippy::float_cmp, reason = "exact values are expected of exact ones"))]

pub mod agree;
pub mod compare;
pub mod config_map;
pub mod generator;
pub mod k6;
pub mod machine;
pub mod regress;
pub mod report;
pub mod require;
pub mod result;
pub mod stats;
pub mod summary;
pub mod usage;
pub mod workload;

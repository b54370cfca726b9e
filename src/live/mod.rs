//! Figures of the traffic, once a second, for the viewers of the page at `/`.
//!
//! The figures are computed from the metrics that `/metrics` shows, so a request pays nothing for them. Without
//! viewers, no task and no timer runs.

mod histogram;
mod totals;
mod watch;

pub(crate) use watch::{Live, TooManyViewers, Viewer};

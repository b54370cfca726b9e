//! What the service makes of its traffic, once a second, for those who watch it.
//!
//! The figures come from the metrics that `/metrics` shows, so nothing is counted for them, and a request
//! pays nothing. While nobody watches, no task and no timer runs.

mod histogram;
mod totals;
mod watch;

pub(crate) use watch::{Live, TooManyViewers, Viewer};

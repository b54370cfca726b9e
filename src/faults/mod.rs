//! The fault switch: which faults run until when. The switch injects nothing by itself: `http`, `db` and
//! `readiness` look up the running faults, and fail as these demand.

mod fault;
mod schedule;

pub(crate) use fault::{Fault, Kind};
pub(crate) use schedule::{Faults, Stopped};

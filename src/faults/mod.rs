//! The fault switch: which faults run until when. It injects nothing by itself; `http`, `db` and `readiness` ask
//! it, and fail as the running faults demand.

mod fault;
mod schedule;

pub(crate) use fault::{Fault, Kind};
pub(crate) use schedule::{Faults, Stopped};

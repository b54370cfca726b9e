//! The faults: which there are, which comes when, and how each is injected. Each ends by itself.

mod connections;
mod disk;
mod films;
mod inject;
mod kind;
mod network;
mod plan;
mod postgres;

pub(super) use self::inject::inject;
pub(super) use self::kind::Kind;
pub(super) use self::plan::Plan;

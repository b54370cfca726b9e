//! The faults: which there are, which comes when, and how each is injected. Each ends by itself.

mod inject;
mod network;
mod plan;
mod postgres;

pub(super) use self::inject::inject;
pub(super) use self::plan::{Kind, plan};

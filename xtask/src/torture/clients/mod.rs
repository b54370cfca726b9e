//! The clients of a run, each in a thread of its own, and what each records.

mod changer;
mod crowd;
mod reply;
mod session;
mod visitor;

pub(super) use self::changer::count_reviews;
pub(super) use self::crowd::{Crowd, Stage};

//! The clients of a run, each in a thread of its own, and what each records.

mod changer;
mod crowd;
mod reply;
mod session;
mod stage;
mod visitor;

pub(super) use self::changer::count_reviews;
pub(super) use self::crowd::Crowd;
pub(super) use self::stage::Stage;

//! Checks a history after its run.
//!
//! `object.rs` takes the reads and changes of a film or a list out of the history, `pieces.rs` cuts them
//! into short pieces, and `linear.rs` gives each piece to stateright.

mod enough;
mod films;
mod linear;
mod object;
mod pieces;
mod reviews;
mod rules;
mod submissions;
#[cfg(test)]
mod tests;
mod violation;

pub(super) use self::enough::enough;
pub(super) use self::rules::first;
pub(super) use self::violation::Violation;

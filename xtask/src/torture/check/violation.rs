//! The rules in the order in which they are checked: the simplest first, which explains most.

use super::super::history::{History, Operation};
use super::{backwards, films, refused, reviews, unwritten};

/// A broken rule.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Violation {
    /// The rule in one sentence.
    pub(in super::super) rule: String,
    /// The shortest history that breaks it.
    pub(in super::super) operations: Vec<Operation>,
}

/// Returns the first violation that is found.
pub(in super::super) fn first(history: &History) -> Option<Violation> {
    refused::check(history)
        .or_else(|| unwritten::check(history))
        .or_else(|| backwards::check(history))
        .or_else(|| films::check(history))
        .or_else(|| reviews::check(history))
}

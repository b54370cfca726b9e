//! The rules in the order in which they are checked: the simplest first, which explains most.

use super::super::history::History;
use super::violation::Violation;
use super::{backwards, films, refused, reviews, unwritten};

/// Returns the first violation that is found.
pub(in super::super) fn first(history: &History) -> Option<Violation> {
    refused::check(history)
        .or_else(|| unwritten::check(history))
        .or_else(|| backwards::check(history))
        .or_else(|| films::check(history))
        .or_else(|| reviews::check(history))
}

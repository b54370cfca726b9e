//! Whether reads show only what was written.

use super::super::history::History;
use super::violation::Violation;
use super::writes::{INITIAL, shown, written};

/// Finds a read that shows a value that no change wrote.
pub(super) fn check(history: &History) -> Option<Violation> {
    let written = written(&history.operations);
    let is_known = |(film, value)| value == INITIAL || written.contains_key(&(film, value));
    let read = history
        .operations
        .iter()
        .find(|operation| !shown(operation, &history.run.lists).into_iter().all(is_known))?;
    Some(Violation {
        rule: "a read shows only values that a change wrote, and a list shows all of its films".to_owned(),
        operations: vec![read.clone()],
    })
}

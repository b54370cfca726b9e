//! The changes of films, and what reads show of films.

use std::collections::HashMap;

use super::super::history::{Action, List, Operation, Outcome};

/// The value of every film at the start.
pub(super) const INITIAL: u64 = 0;

/// Returns the operation that wrote each value to a film, if it may have had an effect.
pub(super) fn written(operations: &[Operation]) -> HashMap<(u32, u64), &Operation> {
    let changes = operations.iter().filter(|operation| operation.outcome != Outcome::Failed);
    let written = changes.filter_map(|operation| match operation.action {
        Action::ChangeFilm { film, value } => Some(((film, value), operation)),
        _ => None,
    });
    written.collect()
}

/// Returns the films and values that an operation has read.
pub(super) fn shown(operation: &Operation, lists: &[List]) -> Vec<(u32, u64)> {
    if operation.outcome != Outcome::Ok {
        return Vec::new();
    }
    match &operation.action {
        Action::ReadFilm { film, value, .. } => vec![(*film, *value)],
        Action::ReadList { list, values, .. } => {
            lists[*list].films.iter().copied().zip(values.iter().copied()).collect()
        }
        _ => Vec::new(),
    }
}

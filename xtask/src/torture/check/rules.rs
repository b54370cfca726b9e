//! The rules in the order in which they are checked: the simplest first, which explains most.

use std::collections::HashMap;

use super::super::history::{Action, History, Operation};
use super::object::{INITIAL, shown, written};
use super::violation::Violation;
use super::{films, reviews};

/// The status of a response while a request with the same key has not ended.
const IN_PROGRESS: u16 = 409;

/// Returns the first violation that is found.
pub(in super::super) fn first(history: &History) -> Option<Violation> {
    refused(history)
        .or_else(|| unwritten(history))
        .or_else(|| backwards(history))
        .or_else(|| films::check(history))
        .or_else(|| reviews::check(history))
}

/// Finds a response that blames the client, who made no mistake.
fn refused(history: &History) -> Option<Violation> {
    let found = history.operations.iter().find(|operation| is_refused(operation))?;
    Some(Violation {
        rule: "a valid request never gets a response of 4xx, except 409 while its key is in use".to_owned(),
        operations: vec![found.clone()],
    })
}

fn is_refused(operation: &Operation) -> bool {
    let is_keyed = matches!(operation.action, Action::PostReview { key: Some(_), .. });
    operation
        .status
        .is_some_and(|status| (400..500).contains(&status) && !(is_keyed && status == IN_PROGRESS))
}

/// Finds a read that shows a value that no change wrote.
fn unwritten(history: &History) -> Option<Violation> {
    let written = written(&history.operations);
    let is_known = |(film, value)| value == INITIAL || written.contains_key(&(film, value));
    let is_right = |operation: &&Operation| shown(operation, &history.run.lists).into_iter().all(is_known);
    let read = history.operations.iter().find(|operation| !is_right(operation))?;
    Some(Violation {
        rule: "a read shows only values that a change wrote, and a list shows all of its films".to_owned(),
        operations: vec![read.clone()],
    })
}

/// Finds a client that saw a film at one value, and later at a value that was certainly older.
fn backwards(history: &History) -> Option<Violation> {
    let written = written(&history.operations);
    let mut seen: HashMap<(u32, u32), (u64, &Operation)> = HashMap::new();
    let mut operations: Vec<&Operation> = history.operations.iter().collect();
    operations.sort_by_key(|operation| operation.invoked);
    for operation in operations {
        for (film, value) in shown(operation, &history.run.lists) {
            let client = (operation.client, film);
            if let Some((newer, before)) = seen.insert(client, (value, operation))
                && newer != value
                && let Some(newer) = written.get(&(film, newer))
            {
                let older = written.get(&(film, value)).copied();
                let is_older = value == INITIAL || older.is_some_and(|older| older.returned < newer.invoked);
                if is_older {
                    let rule = format!("no client sees film {film} older than it has seen it before");
                    let operations = older.into_iter().chain([*newer, before, operation]).cloned();
                    return Some(Violation { rule, operations: operations.collect() });
                }
            }
        }
    }
    None
}

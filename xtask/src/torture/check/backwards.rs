//! Whether a client saw time go back, at whatever instance and by whatever request.

use std::collections::HashMap;

use super::super::history::{History, Operation};
use super::violation::Violation;
use super::writes::{INITIAL, shown, written};

/// Finds a client that saw a film at one value, and later at a value that was certainly older.
pub(super) fn check(history: &History) -> Option<Violation> {
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

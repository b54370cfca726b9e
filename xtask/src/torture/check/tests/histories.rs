//! Histories, written down in tests.

use super::super::super::history::{Action, History, List, Operation, Outcome, Run};
use super::super::rules::first;
use super::super::violation::Violation;

/// Returns an operation that succeeded.
pub(super) fn ok(client: u32, (invoked, returned): (u64, u64), action: Action) -> Operation {
    Operation { client, action, invoked, returned, outcome: Outcome::Ok, instance: None, status: None }
}

/// Returns an operation that may have had its effect.
pub(super) fn unknown(client: u32, times: (u64, u64), action: Action) -> Operation {
    Operation { outcome: Outcome::Unknown, ..ok(client, times, action) }
}

pub(super) fn change(film: u32, value: u64) -> Action {
    Action::ChangeFilm { film, value }
}

pub(super) fn read(film: u32, value: u64) -> Action {
    Action::ReadFilm { film, conditional: false, value }
}

/// Reads the list of films 1 and 2.
pub(super) fn list(first: u64, second: u64) -> Action {
    Action::ReadList { list: 0, conditional: false, values: vec![first, second] }
}

pub(super) fn post(key: Option<&str>) -> Action {
    Action::PostReview { film: 1, rating: 5, key: key.map(str::to_owned) }
}

/// Reads the reviews of film 1.
pub(super) fn count(number: u64) -> Action {
    Action::ReadReviews { film: 1, conditional: false, counts: [0, 0, 0, 0, number] }
}

/// Returns a history of two films and a list of both.
pub(super) fn history(operations: Vec<Operation>) -> History {
    let lists = vec![List { path: "/films/".to_owned(), films: vec![1, 2] }];
    History { run: Run { seed: 1, films: vec![1, 2], lists }, faults: Vec::new(), operations }
}

/// Checks operations.
pub(super) fn check(operations: Vec<Operation>) -> Option<Violation> {
    first(&history(operations))
}

/// Returns the violation of operations, which must have one of this rule.
pub(super) fn violation(operations: Vec<Operation>, rule: &str) -> Violation {
    let found = check(operations).expect("a violation");
    assert!(found.rule.contains(rule), "{found:?}");
    found
}

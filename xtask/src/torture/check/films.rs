//! Whether films and lists are linearizable.

use std::collections::HashSet;

use super::super::history::{History, List, Operation};
use super::linear::is_linearizable;
use super::object::{INITIAL, Object, Step};
use super::pieces::{essential, pieces};
use super::violation::{Violation, shortest};

/// Finds a film or a list whose reads and changes fit no order.
pub(super) fn check(history: &History) -> Option<Violation> {
    let lists = &history.run.lists;
    let films = history.run.films.iter().map(|film| {
        let rule = format!(
            "film {film} is linearizable: every read shows the film as it is at some moment of the read"
        );
        (Object::Film(*film), rule)
    });
    let of_lists = (0..).zip(lists).map(|(number, list)| {
        let rule = format!(
            "the list {} is linearizable: every read shows all films as they are at one moment of the read",
            list.path
        );
        (Object::List(number, list), rule)
    });
    films.chain(of_lists).find_map(|(object, rule)| {
        let operations = involved(object, &history.operations, lists)?;
        let operations = shortest(operations, |operations| violates(object, operations, lists));
        Some(Violation { rule, operations })
    })
}

/// Returns the operations of an object that is not linearizable, without redundant reads.
fn involved(object: Object, operations: &[Operation], lists: &[List]) -> Option<Vec<Operation>> {
    let events = object.events(operations, lists);
    let mut found = pieces(vec![INITIAL; object.films()], events.clone()).into_iter();
    found.find(|piece| !is_linearizable(piece))?;
    Some(essential(events).iter().map(|event| operations[event.operation].clone()).collect())
}

/// Tells whether operations are not linearizable, although every value that they show was written by one
/// of them.
fn violates(object: Object, operations: &[Operation], lists: &[List]) -> bool {
    let events = object.events(operations, lists);
    let writes = events.iter().filter_map(|event| match event.step {
        Step::Write(at, value) => Some((at, value)),
        Step::Read(_) => None,
    });
    let written: HashSet<(usize, u64)> = writes.collect();
    let is_written = |at: usize, value: u64| value == INITIAL || written.contains(&(at, value));
    let is_whole = events.iter().all(|event| match &event.step {
        Step::Read(values) => values.iter().enumerate().all(|(at, value)| is_written(at, *value)),
        Step::Write(..) => true,
    });
    is_whole && pieces(vec![INITIAL; object.films()], events).iter().any(|piece| !is_linearizable(piece))
}

//! What the check has found, and the shortest history that shows it.

use super::super::history::Operation;

#[derive(Debug, PartialEq)]
pub(in super::super) struct Violation {
    /// The rule in one sentence.
    pub(in super::super) rule: String,
    /// The shortest history that breaks it.
    pub(in super::super) operations: Vec<Operation>,
}

/// Drops operations, first many at once and then each alone, while `violates` holds. No operation of the
/// result can be dropped.
pub(super) fn shortest(
    mut operations: Vec<Operation>,
    violates: impl Fn(&[Operation]) -> bool,
) -> Vec<Operation> {
    let mut size = operations.len().div_ceil(2).max(1);
    loop {
        let mut has_dropped = false;
        // The end shows what is wrong, so the beginning goes first.
        let mut at = 0;
        while at < operations.len() {
            let end = operations.len().min(at + size);
            let rest = [&operations[..at], &operations[end..]].concat();
            if violates(&rest) {
                operations = rest;
                has_dropped = true;
            } else {
                at = end;
            }
        }
        if size == 1 && !has_dropped {
            return operations;
        }
        size = size.div_ceil(2);
    }
}

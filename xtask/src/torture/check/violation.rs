//! What the check has found.

use super::super::history::Operation;

/// A broken rule.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Violation {
    /// The rule in one sentence.
    pub(in super::super) rule: String,
    /// The shortest history that breaks it.
    pub(in super::super) operations: Vec<Operation>,
}

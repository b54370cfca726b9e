//! Whether a valid request was refused.

use super::super::history::{Action, History, Operation};
use super::violation::Violation;

const IN_PROGRESS: u16 = 409;

/// Finds a response that blames the client, who made no mistake.
pub(super) fn check(history: &History) -> Option<Violation> {
    let refused = history.operations.iter().find(|operation| is_refused(operation))?;
    Some(Violation {
        rule: "a valid request never gets a response of 4xx, except 409 while its key is in use".to_owned(),
        operations: vec![refused.clone()],
    })
}

fn is_refused(operation: &Operation) -> bool {
    let is_keyed = matches!(operation.action, Action::PostReview { key: Some(_), .. });
    operation
        .status
        .is_some_and(|status| (400..500).contains(&status) && !(is_keyed && status == IN_PROGRESS))
}

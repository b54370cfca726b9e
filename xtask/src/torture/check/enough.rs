//! Whether a run was hard enough to prove anything.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::super::history::{Action, History, Outcome};

/// The least number of each kind of operation that must succeed.
const LEAST: usize = 20;
const KINDS: [&str; 8] = [
    "change_film",
    "read_film",
    "read_film_conditional",
    "read_list",
    "read_list_conditional",
    "read_reviews",
    "post_review",
    "post_review_keyed",
];

/// Fails if too few operations succeeded, or no fault was injected.
pub(in super::super) fn enough(history: &History) -> Result<()> {
    let mut succeeded: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in history.operations.iter().filter(|operation| operation.outcome == Outcome::Ok) {
        *succeeded.entry(operation.action.name()).or_default() += 1;
    }
    for kind in KINDS {
        let count = succeeded.get(kind).copied().unwrap_or_default();
        ensure!(
            count >= LEAST,
            "only {count} operations {kind} succeeded, expected {LEAST}: the run proves nothing; repeat it with a greater --for"
        );
    }
    let is_counted =
        history.operations.iter().any(|operation| matches!(operation.action, Action::CountReviews { .. }));
    ensure!(is_counted, "the history ends before the reviews were counted: the run did not end by itself");
    ensure!(
        !history.faults.is_empty(),
        "no fault was injected: the run proves nothing; repeat it with a greater --for"
    );
    Ok(())
}

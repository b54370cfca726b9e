//! The reviews that clients sent, each with all of its attempts.

use std::collections::HashMap;

use super::super::history::{Action, Operation, Outcome};

/// A review that may have been stored. Without a key, each request is one. With a key, all its requests are.
#[derive(Debug, Default)]
pub(super) struct Submission {
    pub(super) invoked: u64,
    /// When the first response said that it is stored.
    pub(super) acknowledged: Option<u64>,
    /// Positions in the history.
    pub(super) attempts: Vec<usize>,
}

/// Returns the reviews of each film and rating.
pub(super) fn submissions(operations: &[Operation]) -> HashMap<(u32, usize), Vec<Submission>> {
    let mut found: HashMap<_, HashMap<_, Submission>> = HashMap::new();
    for (at, operation) in operations.iter().enumerate() {
        let Action::PostReview { film, rating, key } = &operation.action else { continue };
        if operation.outcome == Outcome::Failed {
            continue;
        }
        let of_film = found.entry((*film, *rating)).or_default();
        // Without a key, the position stands for it, so that each request is a review of its own.
        let name = key.as_deref().ok_or(at);
        of_film.entry(name).or_insert_with(|| Submission::new(operation)).add(at, operation);
    }
    found.into_iter().map(|(place, submissions)| (place, submissions.into_values().collect())).collect()
}

impl Submission {
    fn new(first: &Operation) -> Self {
        Self { invoked: first.invoked, ..Self::default() }
    }

    fn add(&mut self, at: usize, attempt: &Operation) {
        self.invoked = self.invoked.min(attempt.invoked);
        if attempt.outcome == Outcome::Ok {
            let earliest =
                self.acknowledged.map_or(attempt.returned, |earlier| earlier.min(attempt.returned));
            self.acknowledged = Some(earliest);
        }
        self.attempts.push(at);
    }
}

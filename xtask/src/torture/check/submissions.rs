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
    let mut keyed: HashMap<&str, Submission> = HashMap::new();
    let mut found: HashMap<(u32, usize), Vec<Submission>> = HashMap::new();
    let mut place: HashMap<&str, (u32, usize)> = HashMap::new();
    for (at, operation) in operations.iter().enumerate() {
        let Action::PostReview { film, rating, key } = &operation.action else { continue };
        if operation.outcome == Outcome::Failed {
            continue;
        }
        if let Some(key) = key {
            place.insert(key, (*film, *rating));
            keyed.entry(key).or_insert_with(|| Submission::new(operation)).add(at, operation);
        } else {
            let mut submission = Submission::new(operation);
            submission.add(at, operation);
            found.entry((*film, *rating)).or_default().push(submission);
        }
    }
    for (key, submission) in keyed {
        found.entry(place[key]).or_default().push(submission);
    }
    found
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

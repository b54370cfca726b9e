//! Whether reviews that were acknowledged are there, and none twice.
//!
//! Each count is compared with an earlier count of the same film and rating: with none at the start, and with
//! the last one before it. Between two counts come at least the reviews that were sent and acknowledged
//! between them, and at most those that were sent and not acknowledged before the first.

use super::super::history::{Action, History, Operation, Outcome};
use super::submissions::{Submission, submissions};
use super::violation::{Violation, shortest};

/// A number of reviews that a client saw.
#[derive(Clone, Copy)]
struct Count {
    invoked: u64,
    returned: u64,
    number: u64,
    /// Its position in the history. The count at the start has none.
    operation: Option<usize>,
}

/// The count of every film before the run.
const START: Count = Count { invoked: 0, returned: 0, number: 0, operation: None };

/// Two counts that do not fit together.
enum Wrong {
    Lost(Vec<usize>),
    Surplus(Vec<usize>),
}

/// Finds a film with too few or too many reviews.
pub(super) fn check(history: &History) -> Option<Violation> {
    let operations = &history.operations;
    let (film, wrong) =
        history.run.films.iter().find_map(|film| Some((film, of_film(operations, *film)?)))?;
    let take = |positions: Vec<usize>| positions.into_iter().map(|at| operations[at].clone()).collect();
    Some(match wrong {
        Wrong::Lost(positions) => Violation {
            rule: format!(
                "a count of the reviews of film {film} includes all that were acknowledged or seen before it"
            ),
            operations: shortest(take(positions), |operations| {
                matches!(of_film(operations, *film), Some(Wrong::Lost(_)))
            }),
        },
        Wrong::Surplus(positions) => Violation {
            rule: format!("film {film} has no more reviews than clients sent, and one for each key"),
            operations: take(positions),
        },
    })
}

fn of_film(operations: &[Operation], film: u32) -> Option<Wrong> {
    let mut sent = submissions(operations);
    (1..=5).find_map(|rating| {
        let sent = sent.remove(&(film, rating)).unwrap_or_default();
        wrong(&Sent::new(sent), &counts(operations, film, rating))
    })
}

/// Returns the counts of a film and a rating, in the order in which they were invoked.
fn counts(operations: &[Operation], film: u32, rating: usize) -> Vec<Count> {
    let counted = operations.iter().enumerate().filter(|(_, operation)| operation.outcome == Outcome::Ok);
    let mut counts: Vec<Count> = counted
        .filter_map(|(at, operation)| match &operation.action {
            Action::ReadReviews { film: of, counts, .. } | Action::CountReviews { film: of, counts }
                if *of == film =>
            {
                let Operation { invoked, returned, .. } = *operation;
                Some(Count { invoked, returned, number: counts[rating - 1], operation: Some(at) })
            }
            _ => None,
        })
        .collect();
    counts.sort_by_key(|count| count.invoked);
    counts
}

/// Returns two counts that do not fit together.
fn wrong(sent: &Sent, counts: &[Count]) -> Option<Wrong> {
    let mut returned = counts.to_vec();
    returned.sort_by_key(|count| count.returned);
    counts.iter().find_map(|count| {
        let before = returned.partition_point(|earlier| earlier.returned < count.invoked);
        let last = before.checked_sub(1).map_or(START, |at| returned[at]);
        [last, START].into_iter().find_map(|earlier| sent.compare(earlier, *count))
    })
}

/// The reviews of a film and a rating.
struct Sent {
    /// By the time at which each was sent.
    reviews: Vec<Submission>,
    /// When each was acknowledged that was.
    acknowledged: Vec<u64>,
}

impl Sent {
    fn new(mut reviews: Vec<Submission>) -> Self {
        reviews.sort_by_key(|review| review.invoked);
        let mut acknowledged: Vec<u64> = reviews.iter().filter_map(|review| review.acknowledged).collect();
        acknowledged.sort_unstable();
        Self { reviews, acknowledged }
    }

    fn compare(&self, earlier: Count, later: Count) -> Option<Wrong> {
        let begin = self.reviews.partition_point(|review| review.invoked <= earlier.returned);
        let end = self.reviews.partition_point(|review| review.invoked < later.returned);
        let is_between = |review: &&Submission| review.acknowledged.is_some_and(|time| time < later.invoked);
        let added = || self.reviews[begin..end.max(begin)].iter().filter(is_between);
        if later.number < earlier.number + added().count() as u64 {
            return Some(Wrong::Lost(positions(earlier, added(), later)));
        }
        let certain = self.acknowledged.partition_point(|time| *time < earlier.invoked);
        if later.number > earlier.number + (end - certain) as u64 {
            let is_possible =
                |review: &&Submission| review.acknowledged.is_none_or(|time| time >= earlier.invoked);
            let possible = self.reviews[..end].iter().filter(is_possible);
            return Some(Wrong::Surplus(positions(earlier, possible, later)));
        }
        None
    }
}

/// Returns the positions of two counts and of the reviews between them.
fn positions<'a>(earlier: Count, reviews: impl Iterator<Item = &'a Submission>, later: Count) -> Vec<usize> {
    let attempts = reviews.flat_map(|review| review.attempts.iter().copied());
    earlier.operation.into_iter().chain(attempts).chain(later.operation).collect()
}

//! The reviews that are submitted to the writer of reviews, and their outcomes.

use std::sync::Arc;

use crate::api::Review;

/// A review to be stored.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) review: Review,
    /// The client's name for this review. Under one key, one review is stored.
    pub(super) key: Option<Arc<str>>,
}

/// The outcome of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is committed.
    Stored,
    /// It was committed before, under the same key.
    Repeated,
    /// Its film does not exist.
    NoFilm,
    /// Another transaction holds its film. Nothing was stored.
    FilmLocked,
    /// Another review was committed under this key. Nothing was stored.
    KeyReused,
    /// Another request stores a review under this key at present. Nothing was stored.
    KeyInUse,
}

/// The outcome of a review for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is committed.
    Stored,
    /// It was committed before, under the same key.
    Repeated,
    /// Its film does not exist.
    NoFilm,
    /// Another review was committed under this key.
    KeyReused,
}

/// Puts the outcomes of reviews in the order of the reviews. A review without an outcome has no film.
///
/// Positions count from 1. A position out of range is an error: the review is committed, and no client may
/// be told that it was refused.
pub(super) fn in_order(
    count: usize,
    outcomes: impl Iterator<Item = (i64, Outcome)>,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut ordered = vec![Outcome::NoFilm; count];
    for (position, outcome) in outcomes {
        let index = position.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        *index.and_then(|index| ordered.get_mut(index)).ok_or_else(|| {
            sqlx::Error::Decode(format!("Postgres inserted review {position} of a batch of {count}").into())
        })? = outcome;
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, in_order};

    #[test]
    fn each_outcome_goes_to_the_review_at_its_position() {
        let outcomes = [(1, Outcome::Stored), (3, Outcome::FilmLocked)].into_iter();
        let ordered = in_order(3, outcomes).unwrap();
        assert_eq!(ordered, [Outcome::Stored, Outcome::NoFilm, Outcome::FilmLocked]);
        assert_eq!(in_order(2, [].into_iter()).unwrap(), [Outcome::NoFilm; 2]);
    }

    #[test]
    fn a_position_outside_of_the_batch_is_an_error() {
        for position in [0, 3, -1, i64::MIN] {
            let outcomes = [(1, Outcome::Stored), (position, Outcome::Stored)].into_iter();
            let error = in_order(2, outcomes).err().unwrap().to_string();
            assert!(error.contains(&format!("review {position} of a batch of 2")), "{error}");
        }
    }
}

//! The query that writes reviews.

use std::slice;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::error::{Error, code, is_refused_row};
use super::query::{Query, query_as};
use super::sqlstate::LOCK_NOT_AVAILABLE;
use crate::api::Review;

/// What became of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is committed.
    Stored,
    /// Its film does not exist.
    NoFilm,
    /// Another transaction holds its film. Nothing was stored.
    FilmLocked,
}

/// Inserts reviews. A film that another transaction has locked must not hold up the reviews of other
/// films, so no statement waits for a lock for long.
#[derive(Debug, Default)]
pub(super) struct CreateReview {
    /// When a locked film was last met.
    met_lock: Mutex<Option<Instant>>,
}

/// What a statement does about a locked film.
#[derive(Clone, Copy, Debug)]
enum IfLocked {
    /// Waits for a moment, then fails as a whole. The cheaper statement, for as long as no film is locked.
    Fail,
    /// Leaves out the reviews of the film. Locking each film first makes the statement a tenth slower.
    LeaveOut,
}

/// After this time without a locked film, statements expect none.
const CALM: Duration = Duration::from_secs(1);

impl Query for CreateReview {
    const NAME: &'static str = "create_review";
    const OPERATION: &'static str = "INSERT";
    const TABLE: &'static str = "review";
    const READ_ONLY: bool = false;
    type Key = Review;
    type Output = Result<Outcome, Error>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        reviews: &[Review],
    ) -> Result<Vec<Self::Output>, sqlx::Error> {
        match self.insert(connection, reviews).await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(Ok).collect()),
            // A row that Postgres refuses rolls back the statement, so nothing is inserted yet. One
            // by one, each review gets its own result.
            Err(error) if is_refused_row(&error) => insert_one_by_one(connection, reviews).await,
            Err(error) => Err(error),
        }
    }
}

impl CreateReview {
    async fn insert(
        &self,
        connection: &mut PgConnection,
        reviews: &[Review],
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let met_lock = *self.met_lock.lock();
        if met_lock.is_none_or(|met| met.elapsed() > CALM) {
            match insert_apart(connection, reviews, IfLocked::Fail).await {
                Err(error) if code(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => {}
                result => return result,
            }
        }
        let outcomes = insert_apart(connection, reviews, IfLocked::LeaveOut).await?;
        if outcomes.contains(&Outcome::FilmLocked) {
            *self.met_lock.lock() = Some(Instant::now());
        }
        Ok(outcomes)
    }
}

/// A review whose film exists.
struct Row {
    /// Counted from 1.
    position: i64,
    stored: bool,
}

/// Inserts the reviews so that a failure leaves the connection usable: inside of a transaction, which only
/// a pooler makes necessary, under a savepoint.
async fn insert_apart(
    connection: &mut PgConnection,
    reviews: &[Review],
    if_locked: IfLocked,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if !connection.is_in_transaction() {
        return insert(connection, reviews, if_locked).await;
    }
    let mut savepoint = connection.begin().await?;
    let outcomes = insert(&mut savepoint, reviews, if_locked).await?;
    savepoint.commit().await?;
    Ok(outcomes)
}

/// Inserts the reviews whose film exists, in one statement and so in one commit.
///
/// `fetch_all` returns after `ReadyForQuery`, which Postgres sends after the commit. After the last
/// row alone, the commit would still be to come.
async fn insert(
    connection: &mut PgConnection,
    reviews: &[Review],
    if_locked: IfLocked,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let (film_ids, ratings): (Vec<i32>, Vec<i32>) =
        reviews.iter().map(|review| (review.film_id, review.rating)).unzip();
    let rows = match if_locked {
        // The foreign key locks the films at the end of the statement. The limit is set before, for the
        // rest of the transaction, and a lock of a whole table is waited for even earlier.
        IfLocked::Fail => {
            query_as!(
                Row,
                r#"with submitted as (
                     select * from unnest($1::int4[], $2::int4[])
                       with ordinality as submitted (film_id, rating, position)
                   ), accepted as (
                     select submitted.* from submitted join film using (film_id)
                   ), inserted as (
                     insert into review (film_id, rating) select film_id, rating from accepted order by position
                   ), limited as materialized (
                     select set_config('lock_timeout', '25ms', true)
                   )
                   select position as "position!", true as "stored!" from accepted, limited"#,
                &film_ids,
                &ratings
            )
            .fetch_all(connection)
            .await?
        }
        IfLocked::LeaveOut => {
            query_as!(
                Row,
                r#"with submitted as (
                     select * from unnest($1::int4[], $2::int4[])
                       with ordinality as submitted (film_id, rating, position)
                   ), accepted as (
                     select submitted.*, free is not null as stored
                     from submitted join film using (film_id) left join lock_films($1) free on free = film_id
                   ), inserted as (
                     insert into review (film_id, rating)
                     select film_id, rating from accepted where stored order by position
                   )
                   select position as "position!", stored as "stored!" from accepted"#,
                &film_ids,
                &ratings
            )
            .fetch_all(connection)
            .await?
        }
    };
    outcomes(reviews.len(), &rows)
}

/// Returns the outcome of each of `count` reviews. A review without a row has no film.
///
/// A position out of range is an error: the review is committed, and no client may be told that it
/// was refused.
fn outcomes(count: usize, rows: &[Row]) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes = vec![Outcome::NoFilm; count];
    for Row { position, stored } in rows {
        let index = position.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let outcome = index.and_then(|index| outcomes.get_mut(index));
        *outcome.ok_or_else(|| {
            sqlx::Error::Decode(format!("Postgres inserted review {position} of a batch of {count}").into())
        })? = if *stored { Outcome::Stored } else { Outcome::FilmLocked };
    }
    Ok(outcomes)
}

async fn insert_one_by_one(
    connection: &mut PgConnection,
    reviews: &[Review],
) -> Result<Vec<Result<Outcome, Error>>, sqlx::Error> {
    let mut results = Vec::with_capacity(reviews.len());
    for review in reviews {
        results.push(match insert_apart(connection, slice::from_ref(review), IfLocked::LeaveOut).await {
            // One review has one outcome.
            Ok(outcomes) => Ok(outcomes.first().copied().unwrap_or(Outcome::NoFilm)),
            // The film was deleted between the join and the insert.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(Outcome::NoFilm),
            Err(error) if is_refused_row(&error) => Err(Error::from(error)),
            Err(error) => return Err(error),
        });
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Row, outcomes};

    #[test]
    fn each_row_decides_the_review_at_its_position() {
        let rows = [Row { position: 1, stored: true }, Row { position: 3, stored: false }];
        assert_eq!(outcomes(3, &rows).unwrap(), [Outcome::Stored, Outcome::NoFilm, Outcome::FilmLocked]);
        assert_eq!(outcomes(2, &[]).unwrap(), [Outcome::NoFilm; 2]);
    }

    #[test]
    fn a_position_outside_of_the_batch_is_an_error() {
        for position in [0, 3, -1, i64::MIN] {
            let rows = [Row { position: 1, stored: true }, Row { position, stored: true }];
            let error = outcomes(2, &rows).err().unwrap().to_string();
            assert!(error.contains(&format!("review {position} of a batch of 2")), "{error}");
        }
    }
}

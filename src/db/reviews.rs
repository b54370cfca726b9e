//! The query that writes reviews.

use std::slice;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::error::{Error, is_refused_row};
use super::query::{Query, query_as};
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

/// Inserts reviews.
pub(super) struct CreateReview;

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
        match insert_apart(connection, reviews).await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(Ok).collect()),
            // A row that Postgres refuses rolls back the statement, so nothing is inserted yet. One
            // by one, each review gets its own result.
            Err(error) if is_refused_row(&error) => insert_one_by_one(connection, reviews).await,
            Err(error) => Err(error),
        }
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
) -> Result<Vec<Outcome>, sqlx::Error> {
    if !connection.is_in_transaction() {
        return insert(connection, reviews).await;
    }
    let mut savepoint = connection.begin().await?;
    let outcomes = insert(&mut savepoint, reviews).await?;
    savepoint.commit().await?;
    Ok(outcomes)
}

/// Inserts the reviews whose film exists and is free, in one statement and so in one commit. A review
/// whose film is locked is left out, because the others would wait with it.
///
/// `fetch_all` returns after `ReadyForQuery`, which Postgres sends after the commit. After the last
/// row alone, the commit would still be to come.
async fn insert(connection: &mut PgConnection, reviews: &[Review]) -> Result<Vec<Outcome>, sqlx::Error> {
    let (film_ids, ratings): (Vec<i32>, Vec<i32>) =
        reviews.iter().map(|review| (review.film_id, review.rating)).unzip();
    let rows = query_as!(
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
    .await?;
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
        results.push(match insert_apart(connection, slice::from_ref(review)).await {
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

//! The query that writes reviews.

use std::slice;

use sqlx::postgres::PgConnection;

use super::error::{Error, is_refused_row};
use super::query::{Query, query_scalar};
use crate::api::Review;

/// Inserts reviews. The output is `true` if the review is committed, `false` if its film does not
/// exist.
pub(super) struct CreateReview;

impl Query for CreateReview {
    const NAME: &'static str = "create_review";
    const OPERATION: &'static str = "INSERT";
    const TABLE: &'static str = "review";
    const READ_ONLY: bool = false;
    type Key = Review;
    type Output = Result<bool, Error>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        reviews: &[Review],
    ) -> Result<Vec<Self::Output>, sqlx::Error> {
        match insert(connection, reviews).await {
            Ok(inserted) => Ok(inserted.into_iter().map(Ok).collect()),
            // A row that Postgres refuses rolls back the statement, so nothing is inserted yet. One
            // by one, each review gets its own result.
            Err(error) if is_refused_row(&error) => insert_one_by_one(connection, reviews).await,
            Err(error) => Err(error),
        }
    }
}

/// Inserts the reviews whose film exists, in one statement and so in one commit.
///
/// `fetch_all` returns after `ReadyForQuery`, which Postgres sends after the commit. After the last
/// row alone, the commit would still be to come.
async fn insert(connection: &mut PgConnection, reviews: &[Review]) -> Result<Vec<bool>, sqlx::Error> {
    let (film_ids, ratings): (Vec<i32>, Vec<i32>) =
        reviews.iter().map(|review| (review.film_id, review.rating)).unzip();
    let positions = query_scalar!(
        r#"with submitted as (
             select * from unnest($1::int4[], $2::int4[])
               with ordinality as submitted (film_id, rating, position)
           ), accepted as (
             select submitted.* from submitted join film using (film_id)
           ), inserted as (
             insert into review (film_id, rating) select film_id, rating from accepted order by position
           )
           select position as "position!" from accepted"#,
        &film_ids,
        &ratings
    )
    .fetch_all(connection)
    .await?;
    mark_inserted(reviews.len(), &positions)
}

/// Returns for each of `count` reviews whether its position, counted from 1, is among `positions`.
///
/// A position out of range is an error: the review is committed, and no client may be told that it
/// was refused.
fn mark_inserted(count: usize, positions: &[i64]) -> Result<Vec<bool>, sqlx::Error> {
    let mut inserted = vec![false; count];
    for position in positions {
        let index = position.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let review = index.and_then(|index| inserted.get_mut(index));
        *review.ok_or_else(|| {
            sqlx::Error::Decode(format!("Postgres inserted review {position} of a batch of {count}").into())
        })? = true;
    }
    Ok(inserted)
}

async fn insert_one_by_one(
    connection: &mut PgConnection,
    reviews: &[Review],
) -> Result<Vec<Result<bool, Error>>, sqlx::Error> {
    let mut results = Vec::with_capacity(reviews.len());
    for review in reviews {
        results.push(match insert(connection, slice::from_ref(review)).await {
            Ok(inserted) => Ok(inserted == [true]),
            // The film was deleted between the join and the insert.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
            Err(error) if is_refused_row(&error) => Err(Error::from(error)),
            Err(error) => return Err(error),
        });
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::mark_inserted;

    #[test]
    fn inserted_reviews_are_marked_by_their_position() {
        assert_eq!(mark_inserted(3, &[1, 3]).unwrap(), [true, false, true]);
        assert_eq!(mark_inserted(2, &[]).unwrap(), [false, false]);
    }

    #[test]
    fn a_position_outside_of_the_batch_is_an_error() {
        for position in [0, 3, -1, i64::MIN] {
            let error = mark_inserted(2, &[1, position]).unwrap_err().to_string();
            assert!(error.contains(&format!("review {position} of a batch of 2")), "{error}");
        }
    }
}

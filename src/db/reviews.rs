//! What is written about films.

use std::slice;

use sqlx::postgres::PgConnection;

use super::error::{Error, is_refused_row};
use super::query::{Query, query_scalar};

/// A review to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    /// The film that it is about.
    pub film_id: i32,
    /// From 1 to 5.
    pub rating: i32,
}

/// Stores reviews. `true` says that one is committed, `false` that its film does not exist.
pub(super) struct Insert;

impl Query for Insert {
    const NAME: &'static str = "review";
    const OPERATION: &'static str = "INSERT";
    const TABLE: &'static str = "review";
    const READ_ONLY: bool = false;
    type Ask = Review;
    type Answer = Result<bool, Error>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[Review],
    ) -> Result<Vec<Self::Answer>, sqlx::Error> {
        match insert(connection, asks).await {
            Ok(stored) => Ok(stored.into_iter().map(Ok).collect()),
            // One row that Postgres refuses takes the statement with it, so nothing is stored yet:
            // each caller gets the answer that its own review deserves.
            Err(error) if is_refused_row(&error) => one_by_one(connection, asks).await,
            Err(error) => Err(error),
        }
    }
}

/// Stores the reviews whose film exists, in one statement and so in one commit.
///
/// `fetch_all` returns after `ReadyForQuery`, which Postgres sends after the commit; after the last
/// row alone the commit would still be to come.
async fn insert(connection: &mut PgConnection, reviews: &[Review]) -> Result<Vec<bool>, sqlx::Error> {
    let (film_ids, ratings): (Vec<i32>, Vec<i32>) =
        reviews.iter().map(|review| (review.film_id, review.rating)).unzip();
    let places = query_scalar!(
        r#"with asked as (
             select * from unnest($1::int4[], $2::int4[]) with ordinality as asked (film_id, rating, place)
           ), known as (
             select asked.* from asked join film using (film_id)
           ), stored as (
             insert into review (film_id, rating) select film_id, rating from known order by place
           )
           select place as "place!" from known"#,
        &film_ids,
        &ratings
    )
    .fetch_all(connection)
    .await?;

    let mut stored = vec![false; reviews.len()];
    for place in places {
        // `with ordinality` counts the rows that it was given from 1.
        if let Some(stored) = usize::try_from(place - 1).ok().and_then(|place| stored.get_mut(place)) {
            *stored = true;
        }
    }
    Ok(stored)
}

async fn one_by_one(
    connection: &mut PgConnection,
    reviews: &[Review],
) -> Result<Vec<Result<bool, Error>>, sqlx::Error> {
    let mut answers = Vec::with_capacity(reviews.len());
    for review in reviews {
        answers.push(match insert(connection, slice::from_ref(review)).await {
            Ok(stored) => Ok(stored == [true]),
            // The film was deleted between the look and the insert.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
            Err(error) if is_refused_row(&error) => Err(Error::from(error)),
            Err(error) => return Err(error),
        });
    }
    Ok(answers)
}

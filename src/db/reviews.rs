//! The query that writes reviews.

use std::slice;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::error::{Error, code, is_refused_row};
use super::keyed_reviews;
use super::query::{Query, query_as};
use super::sqlstate::LOCK_NOT_AVAILABLE;
use super::submission::{Outcome, Submission, in_order};

/// Inserts reviews. A film that another transaction has locked must not hold up the reviews of other
/// films, so no statement waits for a lock for long.
#[derive(Debug, Default)]
pub(super) struct CreateReview {
    /// When a locked film was last met.
    met_lock: Mutex<Option<Instant>>,
}

/// Which statement inserts the reviews.
#[derive(Clone, Copy, Debug)]
enum Statement {
    /// If a film is locked, waits for a moment, then fails as a whole. The cheapest, for as long as no film is
    /// locked.
    Plain,
    /// Leaves out the reviews of locked films. Locking each film first makes the statement a tenth slower.
    LeavingOut,
    /// Leaves out the reviews of locked films too, and stores idempotency keys.
    Keyed,
}

/// After this time without a locked film, [`Statement::Plain`] is used again.
const CALM: Duration = Duration::from_secs(1);

impl Query for CreateReview {
    const NAME: &'static str = "create_review";
    const OPERATION: &'static str = "INSERT";
    const TABLE: &'static str = "review";
    const READ_ONLY: bool = false;
    type Key = Submission;
    type Output = Result<Outcome, Error>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        submissions: &[Submission],
    ) -> Result<Vec<Self::Output>, sqlx::Error> {
        let has_keys = submissions.iter().any(|submission| submission.key.is_some());
        let share = if has_keys { submissions.len().min(keyed_reviews::MOST) } else { submissions.len() };
        let submissions = &submissions[..share];
        match self.insert(connection, submissions, has_keys).await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(Ok).collect()),
            // A row that Postgres refuses rolls back the statement, so nothing is inserted yet. One
            // by one, each review gets its own result.
            Err(error) if is_refused_row(&error) => insert_one_by_one(connection, submissions).await,
            Err(error) => Err(error),
        }
    }
}

impl CreateReview {
    async fn insert(
        &self,
        connection: &mut PgConnection,
        submissions: &[Submission],
        has_keys: bool,
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let expects_lock = self.met_lock.lock().is_some_and(|met| met.elapsed() <= CALM);
        if !has_keys && !expects_lock {
            match insert_apart(connection, submissions, Statement::Plain).await {
                Err(error) if code(&error).as_deref() == Some(LOCK_NOT_AVAILABLE) => {}
                result => return result,
            }
        }
        let statement = if has_keys { Statement::Keyed } else { Statement::LeavingOut };
        let outcomes = insert_apart(connection, submissions, statement).await?;
        if outcomes.contains(&Outcome::FilmLocked) {
            *self.met_lock.lock() = Some(Instant::now());
        }
        Ok(outcomes)
    }
}

/// Inserts the reviews so that a failure leaves the connection usable: inside of a transaction, which only
/// a pooler makes necessary, under a savepoint.
async fn insert_apart(
    connection: &mut PgConnection,
    submissions: &[Submission],
    statement: Statement,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if !connection.is_in_transaction() {
        return insert(connection, submissions, statement).await;
    }
    let mut savepoint = connection.begin().await?;
    let outcomes = insert(&mut savepoint, submissions, statement).await?;
    savepoint.commit().await?;
    Ok(outcomes)
}

/// The row that a statement returns for a review whose film exists.
struct Row {
    /// Position of the review in the batch, counted from 1.
    position: i64,
    stored: bool,
}

/// Inserts the reviews whose film exists, in one statement and so in one commit.
///
/// `limit 1` keeps Postgres from reading the whole of a small catalogue for each batch.
///
/// `fetch_all` returns after `ReadyForQuery`, which Postgres sends after the commit. After the last
/// row alone, the commit would still be to come.
async fn insert(
    connection: &mut PgConnection,
    submissions: &[Submission],
    statement: Statement,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let (film_ids, ratings): (Vec<i32>, Vec<i32>) =
        submissions.iter().map(|submission| (submission.review.film_id, submission.review.rating)).unzip();
    let rows = match statement {
        // The foreign key locks the films at the end of the statement. The limit is set before, for the
        // rest of the transaction, and a lock of a whole table is waited for even earlier.
        Statement::Plain => {
            query_as!(
                Row,
                r#"with submitted as (
                     select * from unnest($1::int4[], $2::int4[])
                       with ordinality as submitted (film_id, rating, position)
                   ), accepted as (
                     select submitted.* from submitted
                     cross join lateral (select from film where film.film_id = submitted.film_id limit 1) film
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
        Statement::LeavingOut => {
            query_as!(
                Row,
                r#"with submitted as (
                     select * from unnest($1::int4[], $2::int4[])
                       with ordinality as submitted (film_id, rating, position)
                   ), accepted as (
                     select submitted.*, free is not null as stored
                     from submitted
                     cross join lateral (select from film where film.film_id = submitted.film_id limit 1) film
                     left join lock_films($1) free on free = submitted.film_id
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
        Statement::Keyed => return keyed_reviews::insert(connection, submissions, &film_ids, &ratings).await,
    };
    let outcome = |row: &Row| if row.stored { Outcome::Stored } else { Outcome::FilmLocked };
    in_order(submissions.len(), rows.iter().map(|row| (row.position, outcome(row))))
}

async fn insert_one_by_one(
    connection: &mut PgConnection,
    submissions: &[Submission],
) -> Result<Vec<Result<Outcome, Error>>, sqlx::Error> {
    let mut results = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let statement = if submission.key.is_some() { Statement::Keyed } else { Statement::LeavingOut };
        results.push(match insert_apart(connection, slice::from_ref(submission), statement).await {
            // One review has one outcome.
            Ok(outcomes) => Ok(outcomes.first().copied().unwrap_or(Outcome::NoFilm)),
            // The film was deleted between the join and the insert.
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(Outcome::NoFilm),
            Err(error) if is_refused_row(&error) => Err(Error::Refused(error.into())),
            Err(error) => return Err(error),
        });
    }
    Ok(results)
}

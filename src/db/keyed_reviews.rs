//! The statement that stores reviews together with their idempotency keys.

use sqlx::postgres::PgConnection;

use super::query::query_as;
use super::submission::{Outcome, Submission, in_order};

/// Most reviews in one statement, because each key takes a lock in the memory that all sessions of Postgres
/// share: 6,400 locks by default.
pub(super) const MOST: usize = 256;

/// A review whose film exists or whose key was used before.
struct Row {
    /// Counted from 1.
    position: i64,
    /// Whether the review that was stored under its key before is the same. `None` if no such review was stored.
    same: Option<bool>,
    /// Whether its film is not locked.
    free: bool,
    stored: bool,
}

/// Inserts those reviews whose film exists, is not locked, and whose key was not used before, and their keys,
/// in one statement and so in one commit. Never waits for another transaction.
///
/// The advisory lock ends with the transaction, and so after the key is visible to others. A key that was
/// committed after this statement began is not seen, but the index of the keys refuses it: such a review is
/// tried again, like a review whose key another transaction holds.
pub(super) async fn insert(
    connection: &mut PgConnection,
    submissions: &[Submission],
    film_ids: &[i32],
    ratings: &[i32],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let keys: Vec<Option<&str>> = submissions.iter().map(|submission| submission.key.as_deref()).collect();
    let rows = query_as!(
        Row,
        r#"with submitted as (
             select *, row_number() over (partition by key order by position) = 1 as first
             from unnest($1::int4[], $2::int4[], $3::text[])
               with ordinality as submitted (film_id, rating, key, position)
           ), known as (
             select position, (stored.film_id, stored.rating) = (submitted.film_id, submitted.rating) as same
             from submitted cross join lateral (
               select film_id, rating from idempotency_key where key = submitted.key limit 1
             ) stored
           ), claimed as materialized (
             select *, case when key is null then true when first
               then pg_try_advisory_xact_lock(1919252075, hashtext(key)) else false end as claimed
             from submitted where not exists (select from known where known.position = submitted.position)
           ), accepted as materialized (
             select claimed.*, free is not null as free
             from claimed
             cross join lateral (select from film where film.film_id = claimed.film_id limit 1) film
             left join lock_films($1) free on free = claimed.film_id
           ), keyed as (
             insert into idempotency_key (key, film_id, rating)
             select key, film_id, rating from accepted where key is not null and claimed and free
             on conflict do nothing returning key
           ), decided as materialized (
             select *, claimed and free and (key is null or key in (select key from keyed)) as stored
             from accepted
           ), inserted as (
             insert into review (film_id, rating) select film_id, rating from decided where stored order by position
           )
           select position as "position!", null::boolean as same, free as "free!", stored as "stored!" from decided
           union all
           select position, same, true, false from known"#,
        film_ids,
        ratings,
        &keys as &[Option<&str>]
    )
    .fetch_all(connection)
    .await?;
    in_order(submissions.len(), rows.iter().map(|row| (row.position, row.outcome())))
}

impl Row {
    fn outcome(&self) -> Outcome {
        match self {
            Self { same: Some(true), .. } => Outcome::Repeated,
            Self { same: Some(false), .. } => Outcome::KeyReused,
            Self { free: false, .. } => Outcome::FilmLocked,
            Self { stored: true, .. } => Outcome::Stored,
            Self { stored: false, .. } => Outcome::KeyInUse,
        }
    }
}

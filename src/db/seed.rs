//! Fills the catalogue with 1,000 generated films in the shape of the DVD-rental sample, the same on
//! every machine.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::connect::{ConnectError, connect, set_lock_timeout};
use super::error::{code, describe};
use super::sqlstate::{LOCK_NOT_AVAILABLE, UNDEFINED_TABLE};
use super::words::{DEEDS, FIRST_WORDS, HEROES, LAST_WORDS, PLACES, RATINGS, STORIES};
use crate::config::Database;

/// Number of films, as in the sample. Film 995, which the article's benchmark reads, is among them.
const FILMS: i32 = 1000;

/// What `films seed` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The table was empty and now holds this many films.
    Inserted(u64),
    /// The table had rows and was not changed.
    Untouched,
}

/// Why the catalogue was not filled.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Postgres cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Another session holds a lock.
    #[error(
        "no lock on the table film within {0:?}: another session holds it; nothing was inserted; \
         try again, or wait longer with --lock-timeout"
    )]
    Locked(Duration),
    /// There is no `film` table.
    #[error("there is no film table to seed: run `films migrate` first")]
    NotMigrated,
    /// Postgres refused a statement.
    #[error("seeding failed, and nothing was inserted: {}", describe(.0))]
    Failed(sqlx::Error),
}

fn explain(error: sqlx::Error, lock_timeout: Duration) -> SeedError {
    match code(&error).as_deref() {
        Some(UNDEFINED_TABLE) => SeedError::NotMigrated,
        Some(LOCK_NOT_AVAILABLE) => SeedError::Locked(lock_timeout),
        _ => SeedError::Failed(error),
    }
}

/// Fills an empty `film` table. Never changes a table that has rows. If several processes seed at once,
/// one of them inserts. `wait` is the longest time to wait for a Postgres that is still starting,
/// `lock_timeout` the longest time to wait for a lock.
pub async fn seed(config: &Database, wait: Duration, lock_timeout: Duration) -> Result<Seeded, SeedError> {
    let mut connection = connect(config, wait).await?;
    insert_films(&mut connection, lock_timeout).await.map_err(|error| explain(error, lock_timeout))
}

async fn insert_films(connection: &mut PgConnection, lock_timeout: Duration) -> Result<Seeded, sqlx::Error> {
    set_lock_timeout(connection, lock_timeout).await?;
    let mut transaction = connection.begin().await?;
    // Readers continue. Other processes that seed wait until these rows are committed.
    sqlx::query!("lock table film in share row exclusive mode").execute(&mut *transaction).await?;
    let has_rows = sqlx::query_scalar!(r#"select exists (select from film) as "exists!""#)
        .fetch_one(&mut *transaction)
        .await?;
    if has_rows {
        return Ok(Seeded::Untouched);
    }

    let ids: Vec<i32> = (1..=FILMS).collect();
    let titles: Vec<String> = ids.iter().map(|id| title(*id)).collect();
    let descriptions: Vec<String> = ids.iter().map(|id| description(*id)).collect();
    let years: Vec<i32> = ids.iter().map(|id| release_year(*id)).collect();
    let lengths: Vec<i16> = ids.iter().map(|id| length(*id)).collect();
    let ratings: Vec<String> = ids.iter().map(|id| pick(&RATINGS, *id).to_owned()).collect();
    let inserted = sqlx::query!(
        "insert into film (film_id, title, description, release_year, length, rating)
         select * from unnest($1::int4[], $2::text[], $3::text[], $4::int4[], $5::int2[], $6::text[])",
        &ids,
        &titles,
        &descriptions,
        &years,
        &lengths,
        &ratings
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    // The next film without an id gets the next free id.
    sqlx::query!("select setval(pg_get_serial_sequence('film', 'film_id'), max(film_id)) from film")
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Seeded::Inserted(inserted))
}

fn pick<'a>(words: &[&'a str], number: i32) -> &'a str {
    // The numbers are positive, and a remainder is always a valid index.
    words[number.unsigned_abs() as usize % words.len()]
}

fn title(id: i32) -> String {
    // Each first word is paired with each last word once. The sum keeps neighbours from looking alike.
    format!("{} {}", pick(&FIRST_WORDS, id - 1), pick(&LAST_WORDS, (id - 1) / 40 + (id - 1) % 40))
}

fn description(id: i32) -> String {
    // The steps share no factor with the lengths of their lists, so sentences seldom repeat.
    let (story, hero, other) =
        (pick(&STORIES, id), pick(&HEROES, id * 5), pick(&HEROES, id * 5 + 1 + id % 12));
    let (deed, place) = (pick(&DEEDS, id * 3), pick(&PLACES, id / 9));
    format!("{story} in which {hero} {deed} {other} {place}")
}

/// Returns a year from 2001 to 2014, so that a list of films after 2000 has them all and a list after
/// 2010 does not. Films 1 and 995 came out in 2006, as in the sample.
fn release_year(id: i32) -> i32 {
    2001 + (id + 4) % 14
}

/// Returns 46 to 185 minutes, the range of the sample.
fn length(id: i32) -> i16 {
    i16::try_from(46 + (id * 37) % 140).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_title_is_unique() {
        let titles: HashSet<String> = (1..=FILMS).map(title).collect();
        assert_eq!(titles.len(), 1000);
    }

    #[test]
    fn descriptions_seldom_repeat_and_name_two_heroes() {
        let descriptions: HashSet<String> = (1..=FILMS).map(description).collect();
        assert!(descriptions.len() > 900, "{} distinct descriptions", descriptions.len());
        for text in descriptions {
            let heroes = HEROES.iter().filter(|hero| text.contains(**hero)).count();
            assert_eq!(heroes, 2, "{text}");
        }
    }

    #[test]
    fn every_film_came_out_after_2000() {
        assert!((1..=FILMS).map(release_year).all(|year| (2001..=2014).contains(&year)));
        assert_eq!((release_year(1), release_year(995)), (2006, 2006));
    }
}

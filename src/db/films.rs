//! What is asked about films.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::postgres::PgConnection;

use super::query::{Query, distinct, query_as};

/// One film of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// Its key.
    pub film_id: i32,
    /// The year it came out, where it is known.
    pub release_year: Option<i32>,
    /// Its title.
    pub title: String,
}

/// Films by ascending id, shared by all who asked the same.
pub type Films = Arc<[Film]>;

/// Which films to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Those that came out after this year. A film whose year is not known is never among them.
    pub released_after: i32,
    /// Those with a greater id than this.
    pub after: Option<i32>,
    /// At most so many; all where it is `None`.
    pub limit: Option<u32>,
}

/// Answers ids with films.
pub(super) struct ById;

impl Query for ById {
    const NAME: &'static str = "film";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "film";
    const READ_ONLY: bool = true;
    type Ask = i32;
    type Answer = Option<Film>;

    async fn run(connection: &mut PgConnection, asks: &[i32]) -> Result<Vec<Option<Film>>, sqlx::Error> {
        let (ids, _) = distinct(asks);
        let films =
            query_as!(Film, "select film_id, release_year, title from film where film_id = any($1)", &ids)
                .fetch_all(connection)
                .await?;
        let films: HashMap<i32, Film> = films.into_iter().map(|film| (film.film_id, film)).collect();
        Ok(asks.iter().map(|id| films.get(id).cloned()).collect())
    }
}

/// Answers filters with lists of films: one query for each distinct filter, one after another.
pub(super) struct Released;

impl Query for Released {
    const NAME: &'static str = "films";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "film";
    const READ_ONLY: bool = true;
    type Ask = Filter;
    type Answer = Films;

    async fn run(connection: &mut PgConnection, asks: &[Filter]) -> Result<Vec<Films>, sqlx::Error> {
        let (filters, places) = distinct(asks);
        let mut lists: Vec<Films> = Vec::with_capacity(filters.len());
        for filter in filters {
            let films = query_as!(
                Film,
                "select film_id, release_year, title from film \
                 where release_year > $1 and film_id > $2 order by film_id limit $3",
                filter.released_after,
                filter.after.unwrap_or(i32::MIN),
                filter.limit.map(i64::from)
            );
            lists.push(films.fetch_all(&mut *connection).await?.into());
        }
        Ok(places.into_iter().map(|place| Arc::clone(&lists[place])).collect())
    }
}

//! What is asked about films. Answers are JSON from the start: they are encoded once, when they are
//! read, and kept as the bytes that go out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer as _};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::catalogue::{Read, Version, Versioned};
use super::query::query_as;

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

/// A list of films.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// JSON, by ascending id: `{"1":{"release_year":2006,"title":"…"},…}`.
    pub body: Bytes,
    /// The last film's id, where the limit left out others that the filter lets pass.
    pub last: Option<i32>,
}

/// One row of a read: the version stands in each, and the film is absent where none was found.
struct Row {
    version: Uuid,
    film_id: Option<i32>,
    release_year: Option<i32>,
    title: Option<String>,
}

/// Answers ids with films: JSON, or nothing where no film has the id.
pub(super) struct ById;

/// The original's keys are in alphabetical order, and so are these.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the original's")]
struct Film {
    film_id: i32,
    release_year: Option<i32>,
    title: String,
}

impl Read for ById {
    const NAME: &'static str = "film";
    type Key = i32;
    type Content = Option<Bytes>;

    async fn read(
        connection: &mut PgConnection,
        ids: &[i32],
    ) -> Result<Vec<Versioned<Option<Bytes>>>, sqlx::Error> {
        let rows = query_as!(
            Row,
            r#"select version, film_id as "film_id?", release_year as "release_year?", title as "title?"
               from film_catalogue left join film on film_id = any($1)"#,
            ids
        )
        .fetch_all(connection)
        .await?;
        let version = Version(rows.first().ok_or(sqlx::Error::RowNotFound)?.version);
        let mut films = HashMap::with_capacity(rows.len());
        for Row { film_id, release_year, title, .. } in rows {
            if let (Some(film_id), Some(title)) = (film_id, title) {
                let film = serde_json::to_vec(&Film { film_id, release_year, title }).map_err(unencoded)?;
                films.insert(film_id, Bytes::from(film));
            }
        }
        Ok(ids.iter().map(|id| Versioned { version, content: films.get(id).cloned() }).collect())
    }

    fn size(film: &Option<Bytes>) -> usize {
        film.as_ref().map_or(0, Bytes::len)
    }
}

/// For how long lists are read before those that are there are answered. Every list is then read
/// within about the time that it would have had alone, and no more of them are held than Postgres
/// sends in this time, and one.
const TURN: Duration = Duration::from_millis(100);

/// Answers filters with lists of films: one query for each, one after another.
pub(super) struct Released;

/// A film in a list, under its id.
#[derive(Serialize)]
struct Entry {
    release_year: Option<i32>,
    title: String,
}

impl Read for Released {
    const NAME: &'static str = "films";
    type Key = Filter;
    type Content = Page;

    async fn read(
        connection: &mut PgConnection,
        filters: &[Filter],
    ) -> Result<Vec<Versioned<Page>>, sqlx::Error> {
        let since = Instant::now();
        let mut pages = Vec::new();
        for filter in filters {
            pages.push(page(connection, filter).await?);
            if since.elapsed() > TURN {
                break;
            }
        }
        Ok(pages)
    }

    fn size(page: &Page) -> usize {
        page.body.len()
    }
}

/// Writes the rows as they come: a long list is never held as anything but its JSON.
async fn page(connection: &mut PgConnection, filter: &Filter) -> Result<Versioned<Page>, sqlx::Error> {
    let mut rows = query_as!(
        Row,
        r#"select version, film_id as "film_id?", release_year as "release_year?", title as "title?"
           from film_catalogue left join lateral (
             select film_id, release_year, title from film
             where release_year > $1 and film_id > $2 order by film_id limit $3
           ) film on true order by film_id"#,
        filter.released_after,
        filter.after.unwrap_or(i32::MIN),
        // One more than asked tells whether others follow.
        filter.limit.map(|limit| i64::from(limit) + 1)
    )
    .fetch(connection);

    let mut body = Vec::new();
    let mut json = serde_json::Serializer::new(&mut body);
    let mut map = json.serialize_map(None).map_err(unencoded)?;
    let mut left = filter.limit.unwrap_or(u32::MAX);
    let (mut version, mut last, mut more) = (None, None, false);
    while let Some(Row { version: current, film_id, release_year, title }) = rows.try_next().await? {
        version = Some(Version(current));
        let (Some(film_id), Some(title)) = (film_id, title) else { continue };
        if left == 0 {
            more = true;
            continue;
        }
        left -= 1;
        last = Some(film_id);
        map.serialize_entry(&film_id, &Entry { release_year, title }).map_err(unencoded)?;
    }
    map.end().map_err(unencoded)?;
    body.shrink_to_fit();
    let version = version.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Versioned { version, content: Page { body: body.into(), last: last.filter(|_| more) } })
}

/// Numbers and strings always have a JSON form, so this is a defect if it ever happens.
fn unencoded(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

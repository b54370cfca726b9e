//! The queries that read films. Their results are encoded as JSON as they are read, and cached in that
//! form.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::cached_query::{CachedQuery, Lessor, Versions};
use super::query::{query_as, query_scalar};
use super::version::{Version, Versioned};
use crate::api::{Film, FilmList, FilmListEncoder, Json, ListedFilm};

/// Selects the films of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Films of this year and later. A film without a year is selected only if there is neither this
    /// condition nor the next one.
    pub first_year: Option<i64>,
    /// Films of this year and earlier.
    pub last_year: Option<i64>,
    /// Films whose title begins with this.
    pub title_prefix: Option<Arc<str>>,
    /// Films with an id greater than this.
    pub after: Option<i32>,
    /// At most this many films. `None` selects all.
    pub limit: Option<u32>,
}

/// A page of films.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmPage {
    /// The films, by ascending id.
    pub films: Json<FilmList>,
    /// The id after which the next page begins, if the limit cut this page off.
    pub next_after: Option<i32>,
}

/// One row of a read. Every row carries the version; without a film, the film's columns are null.
struct Row {
    version: Uuid,
    film_id: Option<i32>,
    release_year: Option<i32>,
    title: Option<String>,
}

/// Reads the version of the catalogue, together with a lease if leases are used.
async fn catalogue_version(
    connection: &mut PgConnection,
    lessor: Lessor<'_>,
) -> Result<Versions, sqlx::Error> {
    let version = match lessor.leases {
        Some(leases) => leases.request(connection, lessor.period).await?,
        None => Version(query_scalar!("select version from film_catalogue").fetch_one(connection).await?),
    };
    Ok(Versions::Same(version))
}

/// Looks up films by id. The content is `None` if no film has the id.
pub(super) struct GetFilm;

impl CachedQuery for GetFilm {
    const NAME: &'static str = "get_film";
    const TABLE: &'static str = "film";
    type Key = i32;
    type Content = Option<Json<Film>>;

    async fn versions(
        connection: &mut PgConnection,
        _: &[i32],
        lessor: Lessor<'_>,
    ) -> Result<Versions, sqlx::Error> {
        catalogue_version(connection, lessor).await
    }

    async fn read(
        connection: &mut PgConnection,
        ids: &[i32],
    ) -> Result<Vec<Versioned<Option<Json<Film>>>>, sqlx::Error> {
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
                films.insert(film_id, Json::encode(&Film { film_id, release_year, title })?);
            }
        }
        Ok(ids.iter().map(|id| Versioned { version, content: films.get(id).cloned() }).collect())
    }

    fn size(_: &i32, film: &Option<Json<Film>>) -> usize {
        film.as_ref().map_or(0, Json::size)
    }
}

/// A batch stops reading lists after this time, at the end of a list, and returns what it has. So each list takes
/// about as long as it would alone, and a batch holds little more in memory than Postgres sends in this time.
const READ_TIME: Duration = Duration::from_millis(100);

/// Lists films: one query for each filter, one after another.
pub(super) struct ListFilms;

impl CachedQuery for ListFilms {
    const NAME: &'static str = "list_films";
    const TABLE: &'static str = "film";
    type Key = Filter;
    type Content = FilmPage;

    async fn versions(
        connection: &mut PgConnection,
        _: &[Filter],
        lessor: Lessor<'_>,
    ) -> Result<Versions, sqlx::Error> {
        catalogue_version(connection, lessor).await
    }

    async fn read(
        connection: &mut PgConnection,
        filters: &[Filter],
    ) -> Result<Vec<Versioned<FilmPage>>, sqlx::Error> {
        let started = Instant::now();
        let mut pages = Vec::new();
        for filter in filters {
            pages.push(read_page(connection, filter).await?);
            if started.elapsed() > READ_TIME {
                break;
            }
        }
        Ok(pages)
    }

    fn size(filter: &Filter, page: &FilmPage) -> usize {
        filter.title_prefix.as_deref().map_or(0, str::len) + page.films.size()
    }
}

/// Encodes the rows as they arrive, so that a long list is never held as rows.
async fn read_page(
    connection: &mut PgConnection,
    filter: &Filter,
) -> Result<Versioned<FilmPage>, sqlx::Error> {
    let mut rows = query_as!(
        Row,
        r#"select version, film_id as "film_id?", release_year as "release_year?", title as "title?"
           from film_catalogue left join lateral (
             select film_id, release_year, title from film
             where ($1::bigint is null or release_year >= $1) and ($2::bigint is null or release_year <= $2)
               and ($3::text is null or starts_with(title, $3)) and film_id > $4
             order by film_id limit $5
           ) film on true order by film_id"#,
        filter.first_year,
        filter.last_year,
        filter.title_prefix.as_deref(),
        filter.after.unwrap_or(i32::MIN),
        // A row beyond the limit tells that another page follows.
        filter.limit.map(|limit| i64::from(limit) + 1)
    )
    .fetch(connection);

    let mut films = FilmListEncoder::default();
    let mut remaining = filter.limit.unwrap_or(u32::MAX);
    let (mut version, mut last, mut has_more) = (None, None, false);
    while let Some(Row { version: current, film_id, release_year, title }) = rows.try_next().await? {
        version = Some(Version(current));
        let (Some(film_id), Some(title)) = (film_id, title) else { continue };
        if remaining == 0 {
            has_more = true;
            continue;
        }
        remaining -= 1;
        last = Some(film_id);
        films.push(film_id, &ListedFilm { release_year, title })?;
    }
    let version = version.ok_or(sqlx::Error::RowNotFound)?;
    let page = FilmPage { films: films.finish(), next_after: last.filter(|_| has_more) };
    Ok(Versioned { version, content: page })
}

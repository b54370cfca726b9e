//! `GET /films/` and `GET /films/{film_id}/`.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{any, get};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::error::Error;
use super::extract::{Id, NoQuery, Query, integer};
use super::{App, add_slash, json};
use crate::db::{Film, Filter};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/films/", get(list))
        .route("/films/{film_id}/", get(show))
        .route("/films", any(add_slash))
        .route("/films/{film_id}", any(add_slash))
}

/// Which films to list: those released after `year.gt`, at most `limit` of them, with ids after
/// `after`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(rename = "year.gt", default = "default_year", deserialize_with = "integer")]
    year_gt: i32,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u32>,
    #[serde(default, deserialize_with = "after")]
    after: Option<i32>,
}

/// The article's.
fn default_year() -> i32 {
    2000
}

fn limit<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    let expected = format_args!("expected an integer from 1 to {}", i32::MAX);
    let limit = String::deserialize(input)?.parse().ok().filter(|limit: &i32| *limit > 0);
    limit.map(|limit| Some(limit.unsigned_abs())).ok_or_else(|| de::Error::custom(expected))
}

fn after<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i32>, D::Error> {
    integer(input).map(Some)
}

async fn list(State(app): State<App>, Query(query): Query<ListQuery>) -> Result<Response, Error> {
    let films = app
        .db
        .films(Filter {
            released_after: query.year_gt,
            after: query.after,
            // One more than asked tells whether there is a next page.
            limit: query.limit.map(|limit| limit + 1),
        })
        .await?;
    let page = query.limit.map_or(films.len(), |limit| films.len().min(limit as usize));
    let mut response = json(&FilmsBody(&films[..page]));
    if let (true, Some(limit), Some(last)) = (page < films.len(), query.limit, films[..page].last()) {
        response.headers_mut().insert(header::LINK, next_page(query.year_gt, limit, last.film_id));
    }
    Ok(response)
}

/// RFC 8288.
fn next_page(year_gt: i32, limit: u32, after: i32) -> HeaderValue {
    let mut link = String::new();
    // Writing to a string does not fail, and digits are valid in a header.
    let _ = write!(link, "</films/?year.gt={year_gt}&limit={limit}&after={after}>; rel=\"next\"");
    HeaderValue::try_from(link).unwrap_or_else(|_| HeaderValue::from_static(""))
}

async fn show(State(app): State<App>, Id(film_id): Id, _: Query<NoQuery>) -> Result<Response, Error> {
    let film = app.db.film(film_id).await?.ok_or(Error::NoSuchFilm(film_id))?;
    Ok(json(&FilmBody { film_id, release_year: film.release_year, title: &film.title }))
}

/// One film. The original's keys are in alphabetical order, and so are these.
#[derive(Serialize)]
struct FilmBody<'a> {
    film_id: i32,
    release_year: Option<i32>,
    title: &'a str,
}

/// Films by id: `{"1":{"release_year":2006,"title":"…"},…}`.
struct FilmsBody<'a>(&'a [Film]);

#[derive(Serialize)]
struct Entry<'a> {
    release_year: Option<i32>,
    title: &'a str,
}

impl Serialize for FilmsBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for film in self.0 {
            let entry = Entry { release_year: film.release_year, title: &film.title };
            map.serialize_entry(&film.film_id, &entry)?;
        }
        map.end()
    }
}

//! `GET /films/` and `GET /films/{film_id}/`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{any, get};
use serde::{Deserialize, Deserializer, de};

use super::error::Error;
use super::etag::Known;
use super::extract::{Id, NoQuery, Query, integer};
use super::{App, Route, add_slash};
use crate::db::Filter;

pub(super) fn routes() -> [Route; 4] {
    [
        ("/films/", get(list)),
        ("/films/{film_id}/", get(show)),
        ("/films", any(add_slash)),
        ("/films/{film_id}", any(add_slash)),
    ]
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

async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
    known: Known,
) -> Result<Response, Error> {
    let ListQuery { year_gt, limit, after } = query;
    let page = app.db.films(Filter { released_after: year_gt, after, limit }).await?;
    let mut response = app.tags.answer(&known, page.version, page.content.body);
    if let (Some(limit), Some(last)) = (limit, page.content.last) {
        response.headers_mut().insert(header::LINK, next_page(year_gt, limit, last));
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

async fn show(
    State(app): State<Arc<App>>,
    Id(film_id): Id,
    _: Query<NoQuery>,
    known: Known,
) -> Result<Response, Error> {
    let film = app.db.film(film_id).await?;
    let body = film.content.ok_or(Error::NoSuchFilm(film_id))?;
    Ok(app.tags.answer(&known, film.version, body))
}

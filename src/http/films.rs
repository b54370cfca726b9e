//! `GET /films/` and `GET /films/{film_id}/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Deserializer, de};

use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::{Id, NoQuery, Query, integer};
use super::routes::Route;
use super::state::AppState;
use crate::db::Filter;

pub(super) fn routes() -> [Route<Arc<AppState>>; 2] {
    [Route::get("/films/", list_films), Route::get("/films/{film_id}/", get_film)]
}

/// Selects the films released after `year.gt`, at most `limit` of them, with ids greater than `after`.
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

/// The default of the article's application.
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

async fn list_films(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListQuery>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let ListQuery { year_gt, limit, after } = query;
    let page = state.db.list_films(Filter { released_after: year_gt, after, limit }).await?;
    let mut response = state.etags.respond(&if_none_match, page.version, page.content.films)?;
    if let (Some(limit), Some(after)) = (limit, page.content.next_after) {
        response.headers_mut().insert(header::LINK, next_page(year_gt, limit, after)?);
    }
    Ok(response)
}

/// Returns the link to the next page, as RFC 8288 describes it.
fn next_page(year_gt: i32, limit: u32, after: i32) -> Result<HeaderValue, Error> {
    let link = format!("</films/?year.gt={year_gt}&limit={limit}&after={after}>; rel=\"next\"");
    Ok(HeaderValue::try_from(link)?)
}

async fn get_film(
    State(state): State<Arc<AppState>>,
    Id(film_id): Id,
    _: Query<NoQuery>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let film = state.db.get_film(film_id).await?;
    let body = film.content.ok_or(Error::NoSuchFilm(film_id))?;
    state.etags.respond(&if_none_match, film.version, body)
}

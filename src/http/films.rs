//! `GET /films/` and `GET /films/{film_id}/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use utoipa::openapi::Ref;
use utoipa::{IntoResponses, ToSchema as _};

use super::coding::AcceptedCoding;
use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::{Id, NoQuery, Query};
use super::list_query::ListQuery;
use super::problem::ProblemKind;
use super::responses::{self, DATABASE, PAGE_HEADERS, Responses};
use super::routes::Route;
use super::state::AppState;
use crate::api::{Film, FilmList};

pub(super) fn routes() -> [Route<Arc<AppState>>; 2] {
    [Route::get("/films/", list_films), Route::get("/films/{film_id}/", get_film)]
}

/// Lists films
///
/// A film has to meet every condition. Without any condition, the list has the films after 2000.
#[utoipa::path(
    get,
    path = "/films/",
    tag = "films",
    params(ListQuery, IfNoneMatch, AcceptedCoding),
    responses(ListResponses)
)]
pub(super) async fn list_films(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListQuery>,
    if_none_match: IfNoneMatch,
    accepted: AcceptedCoding,
) -> Result<Response, Error> {
    let page = state.db.list_films(query.filter()).await?;
    let films = page.content.films;
    let mut response =
        state.film_headers.respond_coded(&if_none_match, accepted, page.version, films).await?;
    if let Some(after) = page.content.next_after {
        response.headers_mut().insert(header::LINK, query.next_page(after)?);
    }
    Ok(response)
}

/// Returns a film
#[utoipa::path(
    get,
    path = "/films/{film_id}/",
    tag = "films",
    params(Id, IfNoneMatch),
    responses(FilmResponses)
)]
pub(super) async fn get_film(
    State(state): State<Arc<AppState>>,
    Id(film_id): Id,
    _: NoQuery,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let film = state.db.get_film(film_id).await?;
    let body = film.content.ok_or(Error::NoSuchFilm(film_id))?;
    state.film_headers.respond(&if_none_match, film.version, body)
}

struct ListResponses;

impl IntoResponses for ListResponses {
    fn responses() -> Responses {
        let list = Ref::from_schema_name(FilmList::name());
        let mut responses = responses::read(list, "Films by ascending id.", &PAGE_HEADERS);
        responses.extend(responses::failures(&DATABASE));
        responses
    }
}

struct FilmResponses;

impl IntoResponses for FilmResponses {
    fn responses() -> Responses {
        let mut responses = responses::read(Ref::from_schema_name(Film::name()), "The film.", &[]);
        let failures = [ProblemKind::INVALID_PATH, ProblemKind::NO_SUCH_FILM];
        responses.extend(responses::failures(&[&failures, DATABASE.as_slice()].concat()));
        responses
    }
}

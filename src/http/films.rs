//! `GET /films/` and `GET /films/{film_id}/`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::Response;

use super::coding::AcceptedCoding;
use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::{Id, NoQuery, Query};
use super::list_query::ListQuery;
use super::routes::Route;
use super::state::AppState;

pub(super) fn routes() -> [Route<Arc<AppState>>; 2] {
    [Route::get("/films/", list_films), Route::get("/films/{film_id}/", get_film)]
}

async fn list_films(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListQuery>,
    if_none_match: IfNoneMatch,
    AcceptedCoding(coding): AcceptedCoding,
) -> Result<Response, Error> {
    let page = state.db.list_films(query.filter()).await?;
    let mut response = state.etags.respond(&if_none_match, coding, page.version, page.content.films).await?;
    if let Some(after) = page.content.next_after {
        response.headers_mut().insert(header::LINK, query.next_page(after)?);
    }
    Ok(response)
}

async fn get_film(
    State(state): State<Arc<AppState>>,
    Id(film_id): Id,
    _: Query<NoQuery>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let film = state.db.get_film(film_id).await?;
    let body = film.content.ok_or(Error::NoSuchFilm(film_id))?;
    state.etags.respond(&if_none_match, None, film.version, body).await
}

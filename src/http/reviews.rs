//! `POST /reviews/` and `GET /films/{film_id}/reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Deserializer, de};

use super::coding::AcceptedCoding;
use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::{Id, NoQuery, Query};
use super::json::JsonBody;
use super::routes::Route;
use super::state::AppState;
use crate::api::{Json, Review};
use crate::db::ReviewFilter;

const RATINGS: RangeInclusive<i32> = 1..=5;

/// The parameter `limit`: its default and its range.
const DEFAULT_LIMIT: u32 = 20;
const LIMITS: RangeInclusive<u32> = 1..=100;

pub(super) fn routes() -> [Route<Arc<AppState>>; 2] {
    [Route::post("/reviews/", create_review), Route::get("/films/{film_id}/reviews/", list_reviews)]
}

/// Selects at most `limit` reviews with ids below `before`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    #[serde(default, deserialize_with = "before")]
    before: Option<i64>,
    #[serde(default = "default_limit", deserialize_with = "limit")]
    limit: u32,
}

fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

fn limit<'de, D: Deserializer<'de>>(input: D) -> Result<u32, D::Error> {
    let expected = format_args!("expected an integer from {} to {}", LIMITS.start(), LIMITS.end());
    let limit = String::deserialize(input)?.parse().ok().filter(|limit| LIMITS.contains(limit));
    limit.ok_or_else(|| de::Error::custom(expected))
}

fn before<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i64>, D::Error> {
    let expected = format_args!("expected an integer from {} to {}", i64::MIN, i64::MAX);
    String::deserialize(input)?.parse().map(Some).map_err(|_| de::Error::custom(expected))
}

async fn list_reviews(
    State(state): State<Arc<AppState>>,
    Id(film_id): Id,
    Query(ListQuery { before, limit }): Query<ListQuery>,
    if_none_match: IfNoneMatch,
    AcceptedCoding(coding): AcceptedCoding,
) -> Result<Response, Error> {
    let page = state.db.list_reviews(ReviewFilter { film_id, before, limit }).await?;
    let content = page.content.ok_or(Error::NoSuchFilm(film_id))?;
    let mut response =
        state.review_etags.respond(&if_none_match, coding, page.version, content.reviews).await?;
    if let Some(before) = content.next_before {
        let link = format!("</films/{film_id}/reviews/?before={before}&limit={limit}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, HeaderValue::try_from(link)?);
    }
    Ok(response)
}

async fn create_review(
    State(state): State<Arc<AppState>>,
    _: Query<NoQuery>,
    JsonBody(body): JsonBody<Review>,
) -> Result<Response, Error> {
    let review = body.map_err(Error::InvalidReview)?;
    let Review { film_id, rating } = review;
    if !RATINGS.contains(&rating) {
        let expected = format!("rating: expected {} to {}, not {rating}", RATINGS.start(), RATINGS.end());
        return Err(Error::InvalidReview(expected));
    }
    if state.db.create_review(review).await? {
        Ok(Json::encode(&review)?.into_response())
    } else {
        Err(Error::UnknownFilm(film_id))
    }
}

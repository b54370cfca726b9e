//! `POST /reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::Ref;
use utoipa::{IntoResponses, ToSchema as _};

use super::error::Error;
use super::extract::{NoQuery, Query};
use super::json::JsonBody;
use super::problem::ProblemKind;
use super::responses::{self, DATABASE, Responses};
use super::routes::Route;
use super::state::AppState;
use crate::api::{Json, Review};

const RATINGS: RangeInclusive<i32> = 1..=5;

pub(super) fn routes() -> [Route<Arc<AppState>>; 1] {
    [Route::post("/reviews/", create_review)]
}

/// Stores a review
///
/// Responds once the review is committed. A retry stores another review.
#[utoipa::path(
    post,
    path = "/reviews/",
    tag = "reviews",
    request_body = Review,
    responses(CreateResponses)
)]
pub(super) async fn create_review(
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

struct CreateResponses;

impl IntoResponses for CreateResponses {
    fn responses() -> Responses {
        const FAILURES: [ProblemKind; 8] = [
            ProblemKind::INVALID_JSON,
            ProblemKind::BODY_LOST,
            ProblemKind::BODY_TIMEOUT,
            ProblemKind::BODY_TOO_LARGE,
            ProblemKind::UNSUPPORTED_MEDIA_TYPE,
            ProblemKind::UNSUPPORTED_CONTENT_CODING,
            ProblemKind::INVALID_REVIEW,
            ProblemKind::UNKNOWN_FILM,
        ];
        let mut responses = responses::created(Ref::from_schema_name(Review::name()), "The stored review.");
        responses.extend(responses::failures(&[FAILURES.as_slice(), &DATABASE].concat()));
        responses
    }
}

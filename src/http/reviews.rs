//! `POST /reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::Ref;
use utoipa::{IntoResponses, ToSchema as _};

use super::error::Error;
use super::extract::NoQuery;
use super::idempotency_key::IdempotencyKey;
use super::json_body::JsonBody;
use super::problem::ProblemKind;
use super::responses::{self, DATABASE, Responses};
use super::routes::Route;
use super::state::AppState;
use crate::api::{Json, Review};
use crate::db::Created;

const RATINGS: RangeInclusive<i32> = 1..=5;

/// Tells a client that the review was stored by an earlier request, as Stripe's API does.
const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));

pub(super) fn routes() -> [Route<Arc<AppState>>; 1] {
    [Route::post("/reviews/", create_review)]
}

/// Stores a review
///
/// Responds once the review is committed. A retry stores another review, unless both requests have the same
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/reviews/",
    tag = "reviews",
    params(IdempotencyKey),
    request_body = Review,
    responses(CreateResponses)
)]
pub(super) async fn create_review(
    State(state): State<Arc<AppState>>,
    _: NoQuery,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<Review>,
) -> Result<Response, Error> {
    let review = body.map_err(Error::InvalidReview)?;
    let Review { film_id, rating } = review;
    if !RATINGS.contains(&rating) {
        let expected = format!("rating: expected {} to {}, not {rating}", RATINGS.start(), RATINGS.end());
        return Err(Error::InvalidReview(expected));
    }
    match state.db.create_review(review, key).await? {
        Created::Stored => Ok(Json::encode(&review)?.into_response()),
        Created::Repeated => Ok(([REPLAYED], Json::encode(&review)?).into_response()),
        Created::NoFilm => Err(Error::UnknownFilm(film_id)),
        Created::KeyReused => Err(Error::IdempotencyKeyReused),
    }
}

struct CreateResponses;

impl IntoResponses for CreateResponses {
    fn responses() -> Responses {
        const FAILURES: [ProblemKind; 11] = [
            ProblemKind::INVALID_JSON,
            ProblemKind::INVALID_IDEMPOTENCY_KEY,
            ProblemKind::BODY_LOST,
            ProblemKind::BODY_TIMEOUT,
            ProblemKind::IDEMPOTENCY_KEY_IN_USE,
            ProblemKind::BODY_TOO_LARGE,
            ProblemKind::UNSUPPORTED_MEDIA_TYPE,
            ProblemKind::UNSUPPORTED_CONTENT_CODING,
            ProblemKind::INVALID_REVIEW,
            ProblemKind::UNKNOWN_FILM,
            ProblemKind::IDEMPOTENCY_KEY_REUSED,
        ];
        let replayed =
            ("idempotent-replayed", "`true`, if an earlier request with this key stored the review.");
        let review = Ref::from_schema_name(Review::name());
        let mut responses = responses::created(review, "The stored review.", &[replayed]);
        responses.extend(responses::failures(&[FAILURES.as_slice(), &DATABASE].concat()));
        responses
    }
}

//! `POST /reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::error::Error;
use super::extract::{NoQuery, Query};
use super::json::JsonBody;
use super::routes::Route;
use super::state::AppState;
use crate::api::{Json, Review};

const RATINGS: RangeInclusive<i32> = 1..=5;

pub(super) fn routes() -> [Route<Arc<AppState>>; 1] {
    [Route::post("/reviews/", create_review)]
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

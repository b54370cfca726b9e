//! `POST /reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, post};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::extract::{Json, NoQuery, Query};
use super::{App, Route, add_slash, json};
use crate::db::Review;

const RATINGS: RangeInclusive<i32> = 1..=5;

pub(super) fn routes() -> [Route; 2] {
    [("/reviews/", post(create)), ("/reviews", any(add_slash))]
}

/// A review, as it is sent and as it is answered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    film_id: i32,
    rating: i32,
}

async fn create(
    State(app): State<Arc<App>>,
    _: Query<NoQuery>,
    Json(body): Json<ReviewBody>,
) -> Result<Response, Error> {
    let ReviewBody { film_id, rating } = body;
    if !RATINGS.contains(&rating) {
        let expected = format!("rating: expected {} to {}, not {rating}", RATINGS.start(), RATINGS.end());
        return Err(Error::InvalidReview(expected));
    }
    let stored = app.db.review(Review { film_id, rating }).await?;
    if stored { Ok(json(&body)) } else { Err(Error::UnknownFilm(film_id)) }
}

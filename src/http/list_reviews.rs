//! `GET /films/{film_id}/reviews/`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::Ref;
use utoipa::{IntoParams, IntoResponses, ToSchema as _};

use super::coding::AcceptedCoding;
use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::{Id, Query};
use super::problem::ProblemKind;
use super::responses::{self, DATABASE, PAGE_HEADERS, Responses};
use super::routes::Route;
use super::state::AppState;
use crate::api::FilmReviews;
use crate::db::ReviewFilter;

/// The default of the parameter `limit`, and its range.
const DEFAULT_LIMIT: u32 = 20;
const LIMITS: RangeInclusive<u32> = 1..=100;

pub(super) fn routes() -> [Route<Arc<AppState>>; 1] {
    [Route::get("/films/{film_id}/reviews/", list_reviews)]
}

/// Selects at most `limit` reviews with ids below `before`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Lists reviews with ids below this one.
    #[param(required = false, nullable = false, value_type = i64)]
    #[serde(default, deserialize_with = "before")]
    before: Option<i64>,
    /// Lists at most this many reviews.
    #[param(required = false, value_type = i32, minimum = 1, maximum = 100, default = 20)]
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

/// Lists the reviews of a film
///
/// The newest first, with numbers about all of them.
#[utoipa::path(
    get,
    path = "/films/{film_id}/reviews/",
    tag = "reviews",
    params(Id, ListQuery, IfNoneMatch, AcceptedCoding),
    responses(ListResponses)
)]
pub(super) async fn list_reviews(
    State(state): State<Arc<AppState>>,
    Id(film_id): Id,
    Query(ListQuery { before, limit }): Query<ListQuery>,
    if_none_match: IfNoneMatch,
    accepted: AcceptedCoding,
) -> Result<Response, Error> {
    let page = state.db.list_reviews(ReviewFilter { film_id, before, limit }).await?;
    let content = page.content.ok_or(Error::NoSuchFilm(film_id))?;
    let mut response =
        state.review_headers.respond_coded(&if_none_match, accepted, page.version, content.reviews).await?;
    if let Some(before) = content.next_before {
        let link = format!("</films/{film_id}/reviews/?before={before}&limit={limit}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, HeaderValue::try_from(link)?);
    }
    Ok(response)
}

struct ListResponses;

impl IntoResponses for ListResponses {
    fn responses() -> Responses {
        let reviews = Ref::from_schema_name(FilmReviews::name());
        let mut responses = responses::read(reviews, "The reviews, the newest first.", &PAGE_HEADERS);
        let failures = [ProblemKind::INVALID_PATH, ProblemKind::NO_SUCH_FILM];
        responses.extend(responses::failures(&[&failures, DATABASE.as_slice()].concat()));
        responses
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Option<ListQuery> {
        let uri = format!("/films/7/reviews/?{query}").parse().unwrap();
        axum::extract::Query::try_from_uri(&uri).ok().map(|query| query.0)
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_written(before in any::<i64>(), limit in LIMITS) {
            let query = read(&format!("before={before}&limit={limit}")).unwrap();
            prop_assert_eq!((query.before, query.limit), (Some(before), limit));
        }

        #[test]
        fn a_limit_outside_of_its_range_is_refused(limit in any::<i64>()) {
            let is_limit = (1..=100).contains(&limit);
            prop_assert_eq!(read(&format!("limit={limit}")).is_some(), is_limit);
        }

        #[test]
        fn no_query_panics(query in "[a-z=&%+0-9-]{0,60}") {
            let limit = read(&query).map(|query| query.limit);
            prop_assert!(limit.is_none_or(|limit| LIMITS.contains(&limit)));
        }
    }
}

//! What a handler takes from a request, refused with a problem that says what was expected. axum's
//! own extractors answer in plain text.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use tokio::time::timeout;

use super::App;
use super::error::Error;

/// How large a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) size: usize,
    pub(super) timeout: Duration,
}

/// The id in a path: digits, and no more than an `integer` of Postgres holds.
pub(super) struct Id(pub(super) i32);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let expected = || Error::InvalidPath(format!("expected an id from 0 to {}", i32::MAX));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| expected())?;
        // `parse` alone would take a sign too, and one film would have two addresses.
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().map(Self).ok_or_else(expected)
    }
}

/// The query, of which every key must be known.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            // axum's sentence before the part that helps.
            let detail = text.split_once("query string: ").map_or(text.as_str(), |(_, detail)| detail);
            Error::InvalidQuery(detail.to_owned())
        })
    }
}

/// The query of a route that takes none: a key that is silently ignored helps nobody.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// An integer in a query.
pub(super) fn integer<'de, D: Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
    let expected = format_args!("expected an integer from {} to {}", i32::MIN, i32::MAX);
    String::deserialize(input)?.parse().map_err(|_| de::Error::custom(expected))
}

/// A JSON body, of which every key must be known and stand once.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        let limits = app.body;
        let body = timeout(limits.timeout, Limited::new(request.into_body(), limits.size).collect());
        let bytes = match body.await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Error::BodyTooLarge(limits.size)),
            Ok(Err(_)) => return Err(Error::BodyLost),
            Err(_) => return Err(Error::BodyTimeout(limits.timeout)),
        };
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // Of JSON that is none nothing can be said but where; of other JSON, what it is not.
            if error.is_data() {
                Error::InvalidReview(error.to_string())
            } else {
                Error::InvalidJson(error.to_string())
            }
        })
    }
}

/// `application/json`, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

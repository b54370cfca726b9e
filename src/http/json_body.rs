//! JSON in requests.

use axum::extract::{FromRef, FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::Error;
use super::state::BodyLimits;

/// A JSON body with every key of a `T` once and no other key; or, if the JSON is well-formed but not a
/// `T`, the reason. Only the handler knows which problem that is.
pub(super) struct JsonBody<T>(pub(super) Result<T, String>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T>
where
    BodyLimits: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        if is_coded(request.headers()) {
            return Err(Error::UnsupportedContentCoding);
        }
        let limits = BodyLimits::from_ref(state);
        let body = timeout(limits.timeout, Limited::new(request.into_body(), limits.size).collect());
        let bytes = match body.await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Error::BodyTooLarge(limits.size)),
            Ok(Err(_)) => return Err(Error::BodyLost),
            Err(_) => return Err(Error::BodyTimeout(limits.timeout)),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(Ok(value))),
            // Malformed JSON: serde_json says where. Well-formed JSON of the wrong shape: it says what
            // is wrong.
            Err(error) if error.is_data() => Ok(Self(Err(error.to_string()))),
            Err(error) => Err(Error::InvalidJson(error.to_string())),
        }
    }
}

/// Returns whether the content type is `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Returns whether the body is compressed or coded otherwise.
fn is_coded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

//! JSON in responses.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::api::Json;

/// The content type of every body but problem details.
pub(super) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

impl<T> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.into_bytes()));
        response.headers_mut().insert(header::CONTENT_TYPE, APPLICATION_JSON);
        response
    }
}

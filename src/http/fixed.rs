//! Responses that stay the same until another build runs.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::body::Body;
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;

use super::etag::{IfNoneMatch, REVALIDATE, not_modified};

/// A body with its type and its entity tag.
#[derive(Debug)]
pub(super) struct Fixed {
    body: Bytes,
    content_type: HeaderValue,
    etag: HeaderValue,
}

impl Fixed {
    pub(super) fn new(body: Bytes, content_type: &str) -> Result<Self, InvalidHeaderValue> {
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        let etag = format!("\"{:016x}\"", hash.finish());
        Ok(Self { body, content_type: content_type.try_into()?, etag: etag.try_into()? })
    }

    /// Responds with the body, or with 304 if the client has it already.
    pub(super) fn respond(&self, if_none_match: &IfNoneMatch) -> Response {
        let mut response = if if_none_match.matches(&self.etag) {
            not_modified()
        } else {
            let mut whole = Response::new(Body::from(self.body.clone()));
            whole.headers_mut().insert(header::CONTENT_TYPE, self.content_type.clone());
            whole
        };
        response.headers_mut().insert(header::ETAG, self.etag.clone());
        response.headers_mut().insert(header::CACHE_CONTROL, REVALIDATE);
        response
    }
}

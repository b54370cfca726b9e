//! Responses that stay the same until another build runs.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::header::{self, HeaderMap, InvalidHeaderValue};
use axum::response::Response;
use bytes::Bytes;

use super::etag::{IfNoneMatch, REVALIDATE, not_modified, whole};

/// A body with its type and its entity tag.
#[derive(Debug)]
pub(super) struct Fixed {
    body: Bytes,
    headers: HeaderMap,
}

impl Fixed {
    pub(super) fn new(body: Bytes, content_type: &str) -> Result<Self, InvalidHeaderValue> {
        let mut hash = DefaultHasher::new();
        body.hash(&mut hash);
        let etag = format!("\"{:016x}\"", hash.finish());
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.try_into()?);
        headers.insert(header::ETAG, etag.try_into()?);
        headers.insert(header::CACHE_CONTROL, REVALIDATE);
        Ok(Self { body, headers })
    }

    /// Responds with the body, or with 304 if the client has it already.
    pub(super) fn respond(&self, if_none_match: &IfNoneMatch) -> Response {
        let headers = self.headers.clone();
        if if_none_match.matches(&headers) {
            not_modified(headers)
        } else {
            whole(headers, self.body.clone())
        }
    }
}

//! Validators of answers, and the requests that bring one: RFC 9110, sections 8.8.3 and 13.1.2.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use crate::db::Version;
use crate::version::VERSION;

/// Caches may keep an answer, and have to ask whether it still holds.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The `If-None-Match` headers of a request. To take all its headers would be to copy them.
pub(super) struct Known(Vec<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

/// The tag of the version that was answered last: it changes seldom, and writing it costs more than
/// all other headers.
#[derive(Debug, Default)]
pub(super) struct Tags(Mutex<Option<(Version, HeaderValue)>>);

impl Tags {
    /// The JSON, or 304 where the client has it already.
    pub(super) fn answer(&self, known: &Known, version: Version, body: Bytes) -> Response {
        let tag = self.tag(version);
        let fresh = known.0.iter().any(|known| matches(known, &tag));
        let mut response = Response::new(if fresh { absent() } else { Body::from(body) });
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag);
        headers.insert(header::CACHE_CONTROL, REVALIDATE);
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        response
    }

    /// A strong one: equal tags are equal bytes. The build is part of it, because another may write
    /// the same films in another way.
    fn tag(&self, version: Version) -> HeaderValue {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((its, tag)) if *its == version => tag.clone(),
            _ => {
                // Digits, letters, dots and hyphens are valid in a header.
                let tag = HeaderValue::try_from(format!("\"{VERSION}-{version}\""));
                let tag = tag.unwrap_or_else(|_| HeaderValue::from_static(""));
                *last = Some((version, tag.clone()));
                tag
            }
        }
    }
}

/// The body of a 304. It does not tell its size, because axum would make a `Content-Length` of it: that
/// is the length of the answer that is not sent, and 0 would be a wrong one.
fn absent() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}

/// Whether `If-None-Match` names the tag. It compares weakly: proxies that compress an answer put
/// `W/` before its tag.
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let known = known.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    known.map(|known| known.strip_prefix(b"W/").unwrap_or(known)).any(|known| known == b"*" || known == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others_weak_or_strong() {
        let tag = HeaderValue::from_static("\"1-a\"");
        for known in ["\"1-a\"", "W/\"1-a\"", "\"x\", \"1-a\"", "\"x\",W/\"1-a\" ", "*"] {
            assert!(matches(&HeaderValue::from_static(known), &tag), "{known}");
        }
        for known in ["", "\"1-b\"", "1-a", "\"1-a", "w/\"1-a\"", "\"1-a\" \"x\""] {
            assert!(!matches(&HeaderValue::from_static(known), &tag), "{known}");
        }
    }
}

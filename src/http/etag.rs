//! Entity tags and conditional requests: RFC 9110, sections 8.8.3 and 13.1.2.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// Clients may store a response, but must revalidate it before each use.
pub(super) const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The `If-None-Match` headers of a request. Extracting the whole `HeaderMap` would clone it.
pub(super) struct IfNoneMatch(Vec<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect()))
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("if-none-match")
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "An `ETag` that the client has, or several. If one is current, the response is 304.",
            ))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![parameter.build()]
    }
}

impl IfNoneMatch {
    /// Returns whether the client has the response with these headers.
    pub(super) fn matches(&self, response: &HeaderMap) -> bool {
        let matches = |header| response.get(header::ETAG).is_some_and(|etag| matches(header, etag));
        self.0.iter().any(matches)
    }
}

/// Returns the whole response with these headers.
pub(super) fn whole(headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.headers_mut() = headers;
    response
}

/// Returns the 304 for the response with these headers. Its empty body hides its size, because axum would add
/// `Content-Length: 0`, which would claim that the full response is empty.
pub(super) fn not_modified(mut headers: HeaderMap) -> Response {
    headers.remove(header::CONTENT_TYPE);
    headers.remove(header::CONTENT_ENCODING);
    let mut response = Response::new(Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers;
    response
}

/// Returns whether an `If-None-Match` header names the tag. The comparison is weak: a proxy that
/// compresses a response puts `W/` before its tag.
///
/// The crate `headers` parses the same header, but allocates for every tag. A tag may contain commas, but none
/// of its parts between them has the quotes of a whole tag.
fn matches(header: &HeaderValue, etag: &HeaderValue) -> bool {
    let list = header.as_bytes().trim_ascii();
    let mut tags = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    list == b"*" || tags.any(|tag| tag.strip_prefix(b"W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const ETAG: &str = "\"1-a\"";

    /// A tag by the grammar of RFC 9110, or the tag of the response.
    fn tags() -> impl Strategy<Value = String> {
        prop_oneof![3 => "\"[!#-~]{0,6}\"", 1 => "\"(a,)?\\*(,W/)?\"", 1 => Just(ETAG.to_owned())]
    }

    proptest! {
        #[test]
        fn a_list_names_the_tags_that_it_has_and_no_other(list in vec((tags(), any::<bool>(), " ?,[ \t]?"), 0..6)) {
            let write = |(tag, is_weak, separator): &(String, bool, String)| {
                format!("{}{tag}{separator}", if *is_weak { "W/" } else { "" })
            };
            let header = HeaderValue::try_from(list.iter().map(write).collect::<String>()).unwrap();
            let is_named = list.iter().any(|(tag, ..)| tag == ETAG);
            prop_assert_eq!(matches(&header, &HeaderValue::from_static(ETAG)), is_named);
        }

        #[test]
        fn no_header_without_the_tag_or_a_star_matches(bytes in vec(32..=255_u8, 0..40)) {
            let header = HeaderValue::from_bytes(&bytes);
            prop_assume!(header.is_ok() && !bytes.contains(&b'*'));
            let has_tag = String::from_utf8_lossy(&bytes).contains(ETAG);
            prop_assert!(has_tag || !matches(&header.unwrap(), &HeaderValue::from_static(ETAG)));
        }
    }

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        let etag = HeaderValue::from_static("\"1-a\"");
        for header in ["\"1-a\"", "W/\"1-a\"", "\"x\", \"1-a\"", "\"x\",W/\"1-a\" ", "*"] {
            assert!(matches(&HeaderValue::from_static(header), &etag), "{header}");
        }
        for header in ["", "\"1-b\"", "1-a", "\"1-a", "w/\"1-a\"", "\"1-a\" \"x\"", "\"a,*,b\""] {
            assert!(!matches(&HeaderValue::from_static(header), &etag), "{header}");
        }
    }
}

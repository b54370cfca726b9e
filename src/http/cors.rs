//! Cross-origin requests: lets pages of other origins use the API (the Fetch standard, section 3.3).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use axum::response::Response;

use crate::config::Origins;

/// The headers of a response that a page may read, in addition to those that need no permission.
const EXPOSED: HeaderValue = HeaderValue::from_static("allow, etag, idempotent-replayed, link, retry-after");
/// The headers that a page may send, in addition to those that need no permission.
const SENT: HeaderValue = HeaderValue::from_static(
    "content-type, idempotency-key, if-none-match, traceparent, tracestate, baggage",
);
/// Longest time for which a browser may keep the permission, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins that are allowed.
#[derive(Debug)]
pub(super) struct Cors(Origins);

/// The headers of a request that decide about the permission.
pub(super) struct CrossOrigin {
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl CrossOrigin {
    /// Reads the headers of a request, before a handler consumes the request.
    pub(super) fn of(request: &Request<Body>) -> Self {
        let headers = request.headers();
        let has_method = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Self {
            origin: headers.get(header::ORIGIN).cloned(),
            is_preflight: has_method && request.method() == Method::OPTIONS,
        }
    }
}

impl Cors {
    /// Returns `None` if no origin is allowed.
    pub(super) fn new(origins: &Origins) -> Option<Self> {
        (!origins.is_empty()).then(|| Self(origins.clone()))
    }

    /// Adds the permission to a response, if the origin is allowed.
    pub(super) fn permit(&self, request: CrossOrigin, response: &mut Response) {
        let headers = response.headers_mut();
        let allowed = match &self.0 {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(origins) => {
                // For every origin: a cache must not hand the response of one origin to another.
                headers.append(header::VARY, HeaderValue::from_static("origin"));
                request.origin.filter(|origin| origins.iter().any(|listed| origin == listed.as_str()))
            }
        };
        let Some(origin) = allowed else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if request.is_preflight {
            permit_request(headers);
        }
    }
}

/// Permits the request that a preflight announces. `Allow` of the response has the methods of the path already.
fn permit_request(headers: &mut HeaderMap) {
    if let Some(methods) = headers.get(header::ALLOW).cloned() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
}

//! Observes every public request from outside: span, duration, timeout, panic, log line.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Request, Uri, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use opentelemetry::global;
use opentelemetry_http::HeaderExtractor;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, error, info_span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::error::{Error, InternalError};
use super::metrics::{Metrics, OTHER, RequestLabels, method_label};
use crate::db::BatchTimes;
use crate::telemetry::sampling;

/// Observes requests, limits their time and contains their panics.
///
/// It wraps the routes from outside, because a tower layer would allocate several times for every request.
#[derive(Debug)]
pub(super) struct Observer {
    metrics: Metrics,
    timeout: Duration,
    /// A request that takes longer is slow.
    slow: Duration,
}

impl Observer {
    /// `timeout` is the longest time from a request's head to its response. A request that takes longer than
    /// `slow` writes a log line, unless `slow` is zero.
    pub(super) fn new(timeout: Duration, slow: Duration) -> Self {
        Self { metrics: Metrics::new(), timeout, slow: if slow.is_zero() { Duration::MAX } else { slow } }
    }

    /// Observes one request. `route` names it in spans and metrics.
    pub(super) fn observe<'a>(
        &'a self,
        peer: SocketAddr,
        route: Option<&'static str>,
        request: Request<Body>,
        respond: impl FnOnce(Request<Body>) -> BoxFuture<'a, Response>,
    ) -> impl Future<Output = Response> + 'a {
        let method = method_label(request.method());
        let active = self.metrics.begin(method);
        let span = server_span(&request, peer, method, route);
        let access_log = AccessLog { method: request.method().clone(), uri: request.uri().clone() };
        let response = respond(request);
        async move {
            let response = pin!(self.contain(response).instrument(span.clone()));
            let (response, times) = BatchTimes::of(response).await;

            let error = response.extensions().get::<InternalError>();
            note_status(&span, &response, error);
            // By the conventions, a client's mistake is no error.
            let error_kind = error.filter(|_| response.status().is_server_error()).map(|error| error.kind);
            let labels = RequestLabels { method, route, status: response.status(), error: error_kind };
            let duration = self.metrics.end(&active, labels);
            span.in_scope(|| {
                access_log.write(&response, duration, error);
                if duration > self.slow {
                    access_log.write_slow(route, &response, duration, times);
                }
            });
            if !span.is_disabled() {
                span.in_scope(|| self.metrics.keep_exemplar(labels, duration));
            }
            response
        }
    }

    /// Turns a panic and a timeout into their responses.
    async fn contain(&self, response: BoxFuture<'_, Response>) -> Response {
        match timeout(self.timeout, AssertUnwindSafe(response).catch_unwind()).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Error::Panicked.into_response(),
            Err(_) => Error::Timeout(self.timeout).into_response(),
        }
    }
}

/// Creates the span of a request, if its trace is recorded. Names follow OpenTelemetry's stable
/// conventions for HTTP servers. Numbers are `i64`s, because tracing-opentelemetry exports unsigned
/// integers as text.
fn server_span(request: &Request<Body>, peer: SocketAddr, method: &'static str, route: Option<&str>) -> Span {
    let headers = request.headers();
    let client = || global::get_text_map_propagator(|from| from.extract(&HeaderExtractor(headers)));
    let Some(parent) = sampling::sampled(client) else { return Span::none() };
    let span = info_span!(
        "request",
        otel.name = span_name(method, route),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.method_original = (method == OTHER).then(|| request.method().as_str()),
        http.route = route,
        http.response.status_code = Empty,
        error.type = Empty,
        url.scheme = "http",
        url.path = request.uri().path(),
        url.query = request.uri().query(),
        network.protocol.version = version(request.version()),
        network.peer.address = peer.ip().to_string(),
        network.peer.port = i64::from(peer.port()),
        server.address = Empty,
        server.port = Empty,
        user_agent.original = text(headers, header::USER_AGENT),
    );
    // HTTP/2 puts the authority into the URI, HTTP/1.1 into a header.
    let host = || text(headers, header::HOST)?.parse().ok();
    let authority: Option<Authority> = request.uri().authority().cloned().or_else(host);
    span.record("server.address", authority.as_ref().map(Authority::host));
    span.record("server.port", authority.as_ref().and_then(Authority::port_u16).map(i64::from));
    // This fails if no OpenTelemetry layer is installed, and then there is no trace to continue.
    let _ = span.set_parent(parent);
    span
}

/// Returns the name of the span. It contains the route, because a client could invent any number of
/// paths.
fn span_name(method: &str, route: Option<&str>) -> String {
    let method = if method == OTHER { "HTTP" } else { method };
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// Notes on the span how the request ended. By the conventions, a client's mistake is not an error of
/// the server's span.
fn note_status(span: &Span, response: &Response, error: Option<&InternalError>) {
    span.record("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error.map_or("internal", |error| error.kind));
    }
}

/// The method and the URI, copied before the handler consumes the request.
struct AccessLog {
    method: Method,
    uri: Uri,
}

impl AccessLog {
    /// Writes one line for a request. A 503 is logged at `debug`: while Postgres is unreachable or the
    /// queue is full there are thousands, and the background check logs the cause once.
    fn write(&self, response: &Response, duration: Duration, error: Option<&InternalError>) {
        let (status, duration_ms) = (response.status().as_u16(), milliseconds(duration));
        let (method, path) = (self.method.as_str(), self.uri.path());
        match error {
            Some(error) if status >= 500 && status != 503 => {
                error!(method, path, status, duration_ms, error = %error.text, "request failed");
            }
            Some(error) => debug!(method, path, status, duration_ms, error = %error.text, "request refused"),
            None => debug!(method, path, status, duration_ms, "request"),
        }
    }

    /// Writes a line for a slow request. A response from memory has no batch.
    fn write_slow(&self, route: Option<&str>, response: &Response, duration: Duration, times: BatchTimes) {
        let (method, path) = (self.method.as_str(), self.uri.path());
        let has_batch = times.size > 0;
        warn!(
            method,
            route,
            path,
            status = response.status().as_u16(),
            duration_ms = milliseconds(duration),
            batch_wait_ms = has_batch.then(|| milliseconds(times.wait)),
            batch_size = has_batch.then_some(times.size),
            query_ms = has_batch.then(|| milliseconds(times.query)),
            batch_unfinished_ms = times.unfinished.map(milliseconds),
            "slow request"
        );
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

//! What is seen of a request from outside: its span, its duration, its log line.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Request, Uri, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use opentelemetry::global;
use opentelemetry_http::HeaderExtractor;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug, error, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::error::{Cause, Error};
use super::metrics::{Metrics, OTHER, Outcome, known};
use crate::telemetry::sampling;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Sees every request from its head to its answer, bounds its time and contains its panics. It
/// stands around the router and not in it, where a layer would cost a request several allocations.
#[derive(Debug)]
pub(super) struct Observer {
    /// The router's paths: what a request is called by.
    paths: matchit::Router<&'static str>,
    metrics: Metrics,
    limit: Duration,
}

impl Observer {
    /// No answer may take longer than `limit`.
    pub(super) fn new(paths: matchit::Router<&'static str>, limit: Duration) -> Self {
        Self { paths, metrics: Metrics::new(), limit }
    }

    pub(super) async fn observe<F: Future<Output = Result<Response, Infallible>>>(
        &self,
        request: Request<Incoming>,
        answer: impl FnOnce(Request<Incoming>) -> F,
    ) -> Response {
        let route = self.paths.at(request.uri().path()).ok().map(|found| *found.value);
        let method = known(request.method());
        let active = self.metrics.begin(method);
        let span = server_span(&request, method, route);
        let line = Line { method: request.method().clone(), uri: request.uri().clone() };

        let response = self.contain(answer(request)).instrument(span.clone()).await;

        let cause = response.extensions().get::<Cause>();
        note(&span, &response, cause);
        let error = cause.map(|cause| cause.kind);
        let outcome = Outcome { method, route, status: response.status(), error };
        let duration = self.metrics.end(&active, outcome);
        span.in_scope(|| line.write(&response, duration, cause));
        response
    }

    async fn contain(&self, answer: impl Future<Output = Result<Response, Infallible>>) -> Response {
        match timeout(self.limit, AssertUnwindSafe(answer).catch_unwind()).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(_)) => Error::Panicked.into_response(),
            Err(_) => Error::Timeout(self.limit).into_response(),
        }
    }
}

/// The span of one request, where its trace is recorded. Names: OpenTelemetry's stable conventions for
/// HTTP servers. Numbers are `i64`s, because the layer would write others as text.
fn server_span(request: &Request<Incoming>, method: &'static str, route: Option<&str>) -> Span {
    let headers = request.headers();
    let client = || global::get_text_map_propagator(|from| from.extract(&HeaderExtractor(headers)));
    let Some(parent) = sampling::sampled(client) else { return Span::none() };
    let peer = request.extensions().get::<Peer>();
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
        network.peer.address = peer.map(|peer| peer.0.ip().to_string()),
        network.peer.port = peer.map(|peer| i64::from(peer.0.port())),
        server.address = Empty,
        server.port = Empty,
        user_agent.original = text(headers, header::USER_AGENT),
    );
    // HTTP/2 has it in the URI, HTTP/1.1 in a header.
    let host = || text(headers, header::HOST)?.parse().ok();
    let authority: Option<Authority> = request.uri().authority().cloned().or_else(host);
    span.record("server.address", authority.as_ref().map(Authority::host));
    span.record("server.port", authority.as_ref().and_then(Authority::port_u16).map(i64::from));
    // It fails where no OpenTelemetry layer listens, and then there is no trace to continue.
    let _ = span.set_parent(parent);
    span
}

/// The route and not the path: a path of the client's making would be a name for every request.
fn span_name(method: &str, route: Option<&str>) -> String {
    let method = if method == OTHER { "HTTP" } else { method };
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// Notes on the span how the request ended. A client's mistake is no error of a server's span.
fn note(span: &Span, response: &Response, cause: Option<&Cause>) {
    span.record("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", cause.map_or("internal", |cause| cause.kind));
    }
}

/// What the log line needs of a request that is gone by then.
struct Line {
    method: Method,
    uri: Uri,
}

impl Line {
    /// One line a request. A 503 stands with the ordinary ones: while Postgres is away or the queue
    /// full there are thousands, and what is wrong is said once where it begins.
    fn write(&self, response: &Response, duration: Duration, cause: Option<&Cause>) {
        let (status, duration_ms) = (response.status().as_u16(), duration.as_secs_f64() * 1e3);
        let (method, path) = (self.method.as_str(), self.uri.path());
        match cause {
            Some(cause) if status != 503 => {
                error!(method, path, status, duration_ms, error = %cause.text, "request failed");
            }
            Some(cause) => debug!(method, path, status, duration_ms, error = %cause.text, "request refused"),
            None => debug!(method, path, status, duration_ms, "request"),
        }
    }
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

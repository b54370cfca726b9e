//! The page at `/`, its parts, and the events that it shows.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;

use super::error::Error;
use super::etag::REVALIDATE;
use super::extract::NoQuery;
use super::routes::Route;
use super::state::AppState;
use crate::live::Viewer;

/// Allows nothing from another host, and no page may frame this one.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Tells nginx, also as an ingress, to pass events on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Marks a response whose body goes on until the client or the service ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endless;

/// A part of the page, with its path, its content type and its text.
struct Part(&'static str, &'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";
const PARTS: [Part; 8] = [
    Part("/ui/page.css", "text/css; charset=utf-8", include_str!("ui/page.css")),
    Part("/ui/page.js", SCRIPT, include_str!("ui/page.js")),
    Part("/ui/api.js", SCRIPT, include_str!("ui/api.js")),
    Part("/ui/catalogue.js", SCRIPT, include_str!("ui/catalogue.js")),
    Part("/ui/film.js", SCRIPT, include_str!("ui/film.js")),
    Part("/ui/traffic.js", SCRIPT, include_str!("ui/traffic.js")),
    Part("/ui/plot.js", SCRIPT, include_str!("ui/plot.js")),
    Part("/ui/icon.svg", "image/svg+xml", include_str!("ui/icon.svg")),
];

pub(super) fn routes() -> impl Iterator<Item = Route<Arc<AppState>>> {
    let parts = PARTS.into_iter().map(|Part(path, content_type, text)| {
        Route::get(path, move || async move { respond(content_type, text) })
    });
    parts.chain([Route::get("/", page), Route::get("/events", events)])
}

async fn page() -> Response {
    let mut response = respond("text/html; charset=utf-8", include_str!("ui/page.html"));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn respond(content_type: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, REVALIDATE),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
    ];
    (headers, body).into_response()
}

/// Sends an event a second until the client leaves or the service stops.
async fn events(State(state): State<Arc<AppState>>, _: NoQuery) -> Result<Response, Error> {
    let viewer = state.live.watch()?;
    let events = stream::unfold(viewer, async |mut viewer: Viewer| {
        let event = viewer.next().await?;
        Some((Ok::<Bytes, Infallible>(event.into_bytes()), viewer))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ];
    let mut response = (headers, Body::from_stream(events)).into_response();
    response.extensions_mut().insert(Endless);
    Ok(response)
}

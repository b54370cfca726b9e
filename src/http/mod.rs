//! Everything that knows HTTP, and nothing that knows SQL.
//!
//! [`router`] is the public side; a file for each resource holds its routes, its handlers and the
//! shape of its bodies. [`admin`] is the side for probes and metrics. What fails becomes a response
//! in `error`, and nowhere else.

mod error;
mod extract;
mod films;
mod health;
mod metrics;
mod reviews;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use crate::config;
use crate::db::Db;
use error::Error;
use metrics::Metrics;

pub use health::{Readiness, admin};
pub(crate) use trace::Peer;

/// What every handler can ask for.
#[derive(Clone, Debug)]
struct App {
    db: Db,
    body: extract::Limits,
}

/// The public routes. A request passes the layers from the last to the first, a response from the
/// first to the last.
pub fn router(db: Db, config: &config::Http) -> Router {
    let body = extract::Limits { size: config.max_body_size, timeout: config.body_timeout };
    Router::new()
        .merge(films::router())
        .merge(reviews::router())
        .fallback(async || Error::NoSuchRoute)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(from_fn_with_state(config.request_timeout, limit_time))
        .layer(CatchPanicLayer::custom(|_| Error::Panicked.into_response()))
        .layer(from_fn_with_state(Arc::new(Metrics::new()), trace::observe))
        .with_state(App { db, body })
}

async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    timeout(limit, next.run(request)).await.unwrap_or_else(|_| Error::Timeout(limit).into_response())
}

/// Sends a path without its trailing slash to the one with it, with the method and the body that
/// the request has.
async fn add_slash(OriginalUri(uri): OriginalUri) -> impl IntoResponse {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{}/{query}", uri.path()))])
}

/// A JSON body.
fn json(body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => Error::Encoding(error).into_response(),
    }
}

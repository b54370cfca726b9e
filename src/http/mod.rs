//! Everything that knows HTTP, and nothing that knows SQL.
//!
//! A file for each resource holds its routes, its handlers and the shape of its bodies; `health` is
//! the side for probes and metrics. What fails becomes a response in `error`, and nowhere else.

mod error;
mod etag;
mod extract;
mod films;
mod health;
mod metrics;
mod reviews;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use hyper::body::Incoming;
use prometheus::Registry;
use tower::Service as _;

use crate::config;
use crate::db::Db;
use error::Error;
use etag::Tags;
use trace::Observer;

pub(crate) use health::Readiness;
pub(crate) use trace::Peer;

/// What every handler can ask for.
#[derive(Debug)]
struct App {
    db: Arc<Db>,
    body: extract::Limits,
    tags: Tags,
}

/// A path and what it takes.
type Route = (&'static str, MethodRouter<Arc<App>>);

/// What answers requests, on either port.
#[derive(Debug)]
pub(crate) struct Service {
    router: Router,
    /// Nobody wants to see probes and scrapes.
    observer: Option<Observer>,
}

impl Service {
    /// The public routes.
    pub(crate) fn public(db: Arc<Db>, config: &config::Http) -> Self {
        let (mut router, mut paths) = (Router::new(), matchit::Router::new());
        for (path, methods) in films::routes().into_iter().chain(reviews::routes()) {
            router = router.route(path, methods);
            // `route` above has panicked where this cannot be: axum keeps its paths in the same way.
            let _ = paths.insert(path, path);
        }
        let body = extract::Limits { size: config.max_body_size, timeout: config.body_timeout.get() };
        let app = Arc::new(App { db, body, tags: Tags::default() });
        Self {
            router: with_fallbacks(router).with_state(app),
            observer: Some(Observer::new(paths, config.request_timeout.get())),
        }
    }

    /// `/healthz`, `/readyz` and `/metrics`.
    pub(crate) fn admin(readiness: Readiness, registry: Registry) -> Self {
        Self { router: with_fallbacks(health::router(readiness, registry)), observer: None }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response {
        let mut router = self.router.clone();
        match &self.observer {
            Some(observer) => observer.observe(request, |request| router.call(request)).await,
            None => router.call(request).await.unwrap_or_else(|never| match never {}),
        }
    }
}

fn with_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.fallback(async || Error::NoSuchRoute).method_not_allowed_fallback(async || Error::MethodNotAllowed)
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

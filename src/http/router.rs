//! Builds the service of each port from routes, redirects and fallbacks.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::{Request, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use prometheus::Registry;
use tower::Service as _;

use super::error::Error;
use super::etag::EtagCache;
use super::observe::Observer;
use super::state::{AppState, BodyLimits};
use super::{admin, films, reviews};
use crate::config;
use crate::db::Db;
use crate::readiness::Readiness;

/// Responds to the requests of one port.
#[derive(Debug)]
pub(crate) struct Service {
    router: Router,
    /// Probes and scrapes are not observed: they would drown the clients' requests.
    observer: Option<Observer>,
}

impl Service {
    /// Returns the service of the public port.
    pub(crate) fn public(db: Arc<Db>, config: &config::Http) -> Self {
        let (mut router, mut paths) = (Router::new(), matchit::Router::new());
        for (path, handlers) in films::routes().into_iter().chain(reviews::routes()) {
            let without_slash = path.trim_end_matches('/');
            router = router.route(path, handlers).route(without_slash, any(add_slash));
            for path in [path, without_slash] {
                // A conflict would have panicked in `route` above: axum stores its paths the same way.
                let _ = paths.insert(path, path);
            }
        }
        let body_limits = BodyLimits { size: config.max_body_size, timeout: config.body_timeout.get() };
        let state = Arc::new(AppState { db, body_limits, etags: EtagCache::default() });
        Self {
            router: with_fallbacks(router).with_state(state),
            observer: Some(Observer::new(paths, config.request_timeout.get())),
        }
    }

    /// Returns the service of the admin port.
    pub(crate) fn admin(readiness: Readiness, registry: Registry) -> Self {
        Self { router: with_fallbacks(admin::router(readiness, registry)), observer: None }
    }

    /// Responds to one request.
    pub(crate) async fn respond(&self, request: Request<Body>) -> Response {
        let mut router = self.router.clone();
        let mut route = async |request: Request<Body>| match check_host(&request) {
            Ok(()) => router.call(request).await,
            Err(error) => Ok(error.into_response()),
        };
        match &self.observer {
            Some(observer) => observer.observe(request, route).await,
            None => route(request).await.unwrap_or_else(|never| match never {}),
        }
    }
}

/// Refuses a request that names no host, or several (RFC 9112, section 3.2): two servers on its way may
/// take it for different hosts. HTTP/1.0 has no hosts, and HTTP/2 names them in `:authority`.
fn check_host(request: &Request<Body>) -> Result<(), Error> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    match (request.version(), hosts) {
        (Version::HTTP_11, 1) | (Version::HTTP_10, 0 | 1) | (Version::HTTP_2, _) => Ok(()),
        (_, count) => Err(Error::InvalidHost(count)),
    }
}

fn with_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.fallback(async || Error::NoSuchRoute).method_not_allowed_fallback(async || Error::MethodNotAllowed)
}

/// Redirects a path without its trailing slash. 308 keeps the method and the body.
async fn add_slash(OriginalUri(uri): OriginalUri) -> impl IntoResponse {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{}/{query}", uri.path()))])
}

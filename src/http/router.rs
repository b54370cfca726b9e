//! Responds to the requests of each port.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::http::{Method, Request, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::{BoxFuture, Either};
use prometheus::Registry;

use super::cors::{Cors, CrossOrigin};
use super::error::Error;
use super::header_cache::HeaderCache;
use super::inject::unless_injected;
use super::observe::Observer;
use super::routes::{Route, Routes, at_once};
use super::state::{AdminState, AppState, BodyLimits, FaultSwitch};
use super::{admin, docs, faults, films, list_reviews, openapi, page, reviews};
use crate::config::Config;
use crate::db::Db;
use crate::faults::Faults;
use crate::live::Live;
use crate::readiness::Readiness;

/// Responds to the requests of one port.
pub(crate) struct Service(Port);

enum Port {
    /// The port of the clients.
    Public {
        routes: Routes<Arc<AppState>>,
        state: Arc<AppState>,
        observer: Observer,
        cors: Option<Cors>,
        faults: Option<Faults>,
    },
    /// The port for probes and scrapes. They are not observed, because the clients' requests
    /// would be hard to find among them in metrics and traces.
    Admin { routes: Routes<AdminState>, state: AdminState },
}

impl Service {
    /// Returns the service of the public port.
    pub(crate) fn public(db: Arc<Db>, live: Arc<Live>, faults: Option<&Faults>, config: &Config) -> Self {
        let (config, log) = (&config.http, &config.log);
        let body_limits = BodyLimits { size: config.max_body_size, timeout: config.body_timeout.get() };
        let ui = || docs::routes().into_iter().chain(page::routes());
        let routes = api().chain(config.ui.then(ui).into_iter().flatten());
        Self(Port::Public {
            routes: Routes::new(routes),
            state: Arc::new(AppState {
                db,
                body_limits,
                film_headers: HeaderCache::default(),
                review_headers: HeaderCache::default(),
                live,
            }),
            observer: Observer::new(config.request_timeout.get(), log.slow_request.get()),
            cors: Cors::new(&config.cors_origins),
            faults: faults.cloned(),
        })
    }

    /// Returns the service of the admin port.
    pub(crate) fn admin(
        readiness: Readiness,
        registry: Registry,
        faults: Option<&Faults>,
        config: &Config,
    ) -> Self {
        let switch =
            |faults: &Faults| FaultSwitch { faults: faults.clone(), settings: config.faults.clone() };
        let faults = faults.map(switch);
        let routes = admin::routes().into_iter().chain(faults.iter().flat_map(|_| faults::routes()));
        Self(Port::Admin { routes: Routes::new(routes), state: AdminState { readiness, registry, faults } })
    }

    /// Responds to one request.
    ///
    /// Only the handler's future, which is in a box, takes the request. Every future around it would copy the
    /// request's quarter of a kilobyte.
    pub(crate) fn respond(
        &self,
        peer: SocketAddr,
        request: Request<Body>,
    ) -> impl Future<Output = Response> + use<'_> {
        let is_head = request.method() == Method::HEAD;
        let (response, cors) = match &self.0 {
            Port::Public { routes, state, observer, cors, faults } => {
                let route = routes.find(request.uri().path());
                let respond = move |request| {
                    let response = respond(route, request, Arc::clone(state));
                    match faults {
                        Some(faults) => Box::pin(unless_injected(faults, response)),
                        None => response,
                    }
                };
                let cors = cors.as_ref().map(|cors| (cors, CrossOrigin::of(&request)));
                (Either::Left(observer.observe(peer, route.map(Route::path), request, respond)), cors)
            }
            Port::Admin { routes, state } => {
                let route = routes.find(request.uri().path());
                (Either::Right(respond(route, request, state.clone())), None)
            }
        };
        async move {
            let mut response = response.await;
            if let Some((cors, request)) = cors {
                cors.permit(request, &mut response);
            }
            if is_head { without_body(response) } else { response }
        }
    }
}

/// Returns the routes that the OpenAPI document describes.
fn api() -> impl Iterator<Item = Route<Arc<AppState>>> {
    let films = films::routes().into_iter().chain(list_reviews::routes());
    films.chain(reviews::routes()).chain(openapi::routes())
}

fn respond<S: 'static>(
    route: Option<&Route<S>>,
    request: Request<Body>,
    state: S,
) -> BoxFuture<'static, Response> {
    match (check_host(&request), route) {
        (Err(error), _) => at_once(error.into_response()),
        (Ok(()), None) => at_once(Error::NoSuchRoute.into_response()),
        (Ok(()), Some(route)) => route.respond(request, state),
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

/// Removes the body from the response to a HEAD, and keeps its length.
fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    *response.body_mut() = Body::empty();
    response
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_openapi_document_describes_every_route() {
        let document: serde_json::Value =
            serde_json::from_str(&openapi::openapi_document().unwrap()).unwrap();
        let described: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(described, api().map(|route| route.path().to_owned()).collect());
    }
}

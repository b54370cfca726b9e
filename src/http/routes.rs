//! The routes of a port: which handler responds to which path and method.
//!
//! Handlers and extractors are axum's, and paths are matched by the crate that axum uses. Its router is
//! left out: the observer needs the route as well, so every path would be matched twice, and it
//! allocates for much that this service does not use. It took 3,000 instructions of each request.

use axum::body::Body;
use axum::handler::Handler;
use axum::http::{Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::{BoxFuture, ready};

use super::error::Error;

/// A handler, without the types of its extractors.
type Handle<S> = Box<dyn Fn(Request<Body>, S) -> BoxFuture<'static, Response> + Send + Sync>;

/// A path, and what responds to its requests.
pub(super) struct Route<S> {
    path: &'static str,
    action: Action<S>,
}

enum Action<S> {
    /// Responds to each of these methods. GET includes HEAD.
    Handle(Vec<(Method, Handle<S>)>),
    /// Redirects to the path with a trailing slash.
    AddSlash,
}

impl<S: 'static> Route<S> {
    /// Returns a route for GET.
    pub(super) fn get<T>(
        path: &'static str,
        handler: impl Handler<T, S, Future = BoxFuture<'static, Response>>,
    ) -> Self {
        Self::new(path, Method::GET, handler)
    }

    /// Returns a route for POST.
    pub(super) fn post<T>(
        path: &'static str,
        handler: impl Handler<T, S, Future = BoxFuture<'static, Response>>,
    ) -> Self {
        Self::new(path, Method::POST, handler)
    }

    fn new<T>(
        path: &'static str,
        method: Method,
        handler: impl Handler<T, S, Future = BoxFuture<'static, Response>>,
    ) -> Self {
        Self { path, action: Action::Handle(vec![(method, handle(handler))]) }
    }

    /// Adds DELETE to a route that has a handler.
    pub(super) fn delete<T>(
        mut self,
        handler: impl Handler<T, S, Future = BoxFuture<'static, Response>>,
    ) -> Self {
        if let Action::Handle(handles) = &mut self.action {
            handles.push((Method::DELETE, handle(handler)));
        }
        self
    }

    /// Returns the path with names for its variable parts, as spans and metrics show it.
    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    /// Responds to a request for this path.
    pub(super) fn respond(&self, request: Request<Body>, state: S) -> BoxFuture<'static, Response> {
        match &self.action {
            Action::AddSlash => at_once(add_slash(request.uri())),
            Action::Handle(handles) => {
                let handle = handles.iter().find(|(method, _)| takes(method, request.method()));
                match handle {
                    Some((_, handle)) => handle(request, state),
                    None if request.method() == Method::OPTIONS => at_once(options(handles)),
                    None => at_once(method_not_allowed(handles)),
                }
            }
        }
    }
}

/// Finds the route of a path.
pub(super) struct Routes<S>(matchit::Router<Route<S>>);

impl<S: 'static> Routes<S> {
    /// Panics if two routes have the same path.
    pub(super) fn new(routes: impl IntoIterator<Item = Route<S>>) -> Self {
        let mut all = matchit::Router::new();
        let mut insert = |route: Route<S>| {
            if let Err(conflict) = all.insert(route.path, route) {
                panic!("a route of this program cannot be added: {conflict}");
            }
        };
        for route in routes {
            // Every path begins with a slash, so `/` has no path without it.
            if let Some(path) = route.path.strip_suffix('/').filter(|path| !path.is_empty()) {
                insert(Route { path, action: Action::AddSlash });
            }
            insert(route);
        }
        Self(all)
    }

    pub(super) fn find(&self, path: &str) -> Option<&Route<S>> {
        self.0.at(path).ok().map(|found| found.value)
    }
}

fn handle<T, S>(handler: impl Handler<T, S, Future = BoxFuture<'static, Response>>) -> Handle<S> {
    Box::new(move |request, state| handler.clone().call(request, state))
}

/// Returns a future in the form of those of handlers.
pub(super) fn at_once(response: Response) -> BoxFuture<'static, Response> {
    Box::pin(ready(response))
}

fn takes(method: &Method, requested: &Method) -> bool {
    requested == method || (requested == Method::HEAD && method == Method::GET)
}

/// Tells which methods a path has (RFC 9110, section 9.3.7).
fn options<S>(handles: &[(Method, Handle<S>)]) -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, allowed(handles))]).into_response()
}

fn method_not_allowed<S>(handles: &[(Method, Handle<S>)]) -> Response {
    ([(header::ALLOW, allowed(handles))], Error::MethodNotAllowed).into_response()
}

/// Returns the methods of a path, for the header `Allow`.
fn allowed<S>(handles: &[(Method, Handle<S>)]) -> String {
    let methods = handles.iter().map(|(method, _)| method.as_str());
    let with_head = methods.flat_map(|method| [Some(method), (method == "GET").then_some("HEAD")]);
    with_head.flatten().chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

/// Redirects a path without its trailing slash. 308 keeps the method and the body.
fn add_slash(uri: &Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{}/{query}", uri.path()))]).into_response()
}

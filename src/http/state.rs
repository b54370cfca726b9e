//! What the handlers of the public routes share, and what a route is.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::MethodRouter;

use super::etag::EtagCache;
use crate::db::Db;

/// The state of the public routes, one value for each worker thread.
#[derive(Debug)]
pub(super) struct AppState {
    pub(super) db: Arc<Db>,
    pub(super) body_limits: BodyLimits,
    pub(super) etags: EtagCache,
}

/// The limits of a request body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// In bytes.
    pub(super) size: usize,
    /// Longest time for the body to arrive.
    pub(super) timeout: Duration,
}

/// A path and its handlers. The path ends with a slash.
pub(super) type Route = (&'static str, MethodRouter<Arc<AppState>>);

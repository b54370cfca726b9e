//! What the handlers of a port share.

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;

use super::etag::EtagCache;
use crate::db::Db;
use crate::live::Live;
use crate::readiness::Readiness;

/// The state of the public routes, one value for each worker thread.
#[derive(Debug)]
pub(super) struct AppState {
    pub(super) db: Arc<Db>,
    pub(super) body_limits: BodyLimits,
    /// The tags of films.
    pub(super) etags: EtagCache,
    /// The tags of the last page of reviews. Apart, because each film's reviews have their own.
    pub(super) review_etags: EtagCache,
    /// The traffic of the whole instance.
    pub(super) live: Arc<Live>,
}

/// The limits of a request body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// In bytes.
    pub(super) size: usize,
    /// Longest time for the body to arrive.
    pub(super) timeout: Duration,
}

/// The state of the admin routes.
#[derive(Clone, Debug)]
pub(super) struct AdminState {
    pub(super) readiness: Readiness,
    pub(super) registry: Registry,
}

//! What the handlers of a port share.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use prometheus::Registry;

use super::header_cache::HeaderCache;
use crate::config;
use crate::db::Db;
use crate::faults::Faults;
use crate::live::Live;
use crate::readiness::Readiness;

/// The state of the public routes, one value for each worker thread.
#[derive(Debug)]
pub(super) struct AppState {
    pub(super) db: Arc<Db>,
    pub(super) body_limits: BodyLimits,
    /// The headers of films.
    pub(super) film_headers: HeaderCache,
    /// The headers of the last page of reviews. Each film's reviews have a version of their own, so these headers
    /// would replace those of films.
    pub(super) review_headers: HeaderCache,
    /// The traffic of the whole instance.
    pub(super) live: Arc<Live>,
}

/// The limits of a request body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// Largest body, in bytes.
    pub(super) size: usize,
    /// Longest time for the body to arrive.
    pub(super) timeout: Duration,
}

/// The state of the admin routes.
#[derive(Clone, Debug)]
pub(super) struct AdminState {
    pub(super) readiness: Readiness,
    pub(super) registry: Registry,
    /// `None` unless faults can be injected.
    pub(super) faults: Option<FaultSwitch>,
}

/// The faults, and how a request proves that it may inject them.
#[derive(Clone, Debug)]
pub(super) struct FaultSwitch {
    pub(super) faults: Faults,
    pub(super) settings: config::Faults,
}

impl FromRef<Arc<AppState>> for BodyLimits {
    fn from_ref(state: &Arc<AppState>) -> Self {
        state.body_limits
    }
}

impl FromRef<AdminState> for BodyLimits {
    fn from_ref(_: &AdminState) -> Self {
        Self { size: 1024, timeout: Duration::from_secs(5) }
    }
}

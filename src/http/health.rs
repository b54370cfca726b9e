//! The admin port: `/healthz`, `/readyz`, `/metrics`. Neither traced, nor logged, nor counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use serde::Serialize;

use super::error::Error;
use super::json;
use crate::db::{Checks, Status};

/// Whether this instance should get traffic.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    checks: Checks,
    database_decides: bool,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// Ready by the last check of the database and of its replica, where `database_decides`.
    pub(crate) fn new(checks: Checks, database_decides: bool) -> Self {
        Self { checks, database_decides, stopping: Arc::default() }
    }

    /// From now on it is not.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether [`Readiness::stop`] was called.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Why it is not ready, if it is not.
    fn obstacle(&self, database: Status, replica: Option<Status>) -> Option<String> {
        if self.is_stopping() {
            return Some("the instance is stopping".to_owned());
        }
        let of_replica = || self.obstacle_of("replica", replica?);
        self.obstacle_of("database", database).or_else(of_replica)
    }

    /// A schema that is known to be behind always counts: every answer could be wrong.
    fn obstacle_of(&self, name: &str, status: Status) -> Option<String> {
        match status {
            Status::Behind(version) => {
                Some(format!("the {name} lacks migration {version}: run `films migrate`"))
            }
            Status::Untracked => {
                let what = "has a trigger of film missing or disabled, so changes would go unseen";
                Some(format!("the {name} {what}: see migrations/README.md"))
            }
            Status::Connecting if self.database_decides => Some(format!("the {name} has not answered yet")),
            Status::Down if self.database_decides => Some(format!("the {name} is away")),
            _ => None,
        }
    }
}

pub(super) fn router(readiness: Readiness, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(metrics).with_state(registry))
}

#[derive(Serialize)]
struct HealthBody {
    status: &'static str,
}

/// The process is alive: it can answer this.
async fn healthz() -> Response {
    json(&HealthBody { status: "alive" })
}

#[derive(Serialize)]
struct ReadyBody {
    status: &'static str,
    database: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let database = *readiness.checks.database.borrow();
    let replica = readiness.checks.replica.as_ref().map(|status| *status.borrow());
    let reason = readiness.obstacle(database, replica);
    let (code, status) = match reason {
        None => (StatusCode::OK, "ready"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    let body = ReadyBody { status, database: name(database), replica: replica.map(name), reason };
    (code, [(header::CACHE_CONTROL, "no-store")], json(&body)).into_response()
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Connecting => "connecting",
        Status::Up => "up",
        Status::Behind(_) => "behind",
        Status::Untracked => "untracked",
        Status::Down => "down",
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => Error::Metrics(error).into_response(),
    }
}

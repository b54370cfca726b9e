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
use tokio::sync::watch;

use super::error::Error;
use super::json;
use crate::db::Status;

/// Whether this instance should get traffic.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    database: watch::Receiver<Status>,
    database_decides: bool,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// Ready by the database's last check, and by that alone where `database_decides`.
    pub(crate) fn new(database: watch::Receiver<Status>, database_decides: bool) -> Self {
        Self { database, database_decides, stopping: Arc::default() }
    }

    /// From now on it is not.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether [`Readiness::stop`] was called.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Why it is not ready, if it is not. A schema that is known to be behind always counts: every
    /// answer could be wrong.
    fn obstacle(&self, database: Status) -> Option<String> {
        match database {
            _ if self.is_stopping() => Some("the instance is stopping".to_owned()),
            Status::Behind(version) => {
                Some(format!("migration {version} is not applied: run `films migrate`"))
            }
            Status::Untracked => {
                let what = "a trigger of film is missing or disabled, so changes would go unseen";
                Some(format!("{what}: see migrations/README.md"))
            }
            Status::Connecting if self.database_decides => {
                Some("the database has not answered yet".to_owned())
            }
            Status::Down if self.database_decides => Some("the database is away".to_owned()),
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
    reason: Option<String>,
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let database = *readiness.database.borrow();
    let reason = readiness.obstacle(database);
    let (code, status) = match reason {
        None => (StatusCode::OK, "ready"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    let database = match database {
        Status::Connecting => "connecting",
        Status::Up => "up",
        Status::Behind(_) => "behind",
        Status::Untracked => "untracked",
        Status::Down => "down",
    };
    (code, [(header::CACHE_CONTROL, "no-store")], json(&ReadyBody { status, database, reason }))
        .into_response()
}

async fn metrics(State(registry): State<Registry>) -> Response {
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => Error::Metrics(error).into_response(),
    }
}

//! The admin port: `/healthz`, `/readyz` and `/metrics`. Their requests are neither traced, nor logged,
//! nor counted.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use tokio::task::yield_now;

use super::error::Error;
use crate::api::{Health, Json, Ready};
use crate::db::Status;
use crate::readiness::{Readiness, Report};

pub(super) fn router(readiness: Readiness, registry: Registry) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(metrics).with_state(registry))
}

/// A process that can respond is alive.
async fn healthz() -> Result<Json<Health>, Error> {
    Ok(Json::encode(&Health { status: "alive" })?)
}

async fn readyz(State(readiness): State<Readiness>) -> Result<Response, Error> {
    let Report { database, replica, reason, failing } = readiness.report();
    let (code, status) = match reason {
        None => (StatusCode::OK, "ready"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
    };
    let body =
        Ready { status, database: name(&database), replica: replica.as_ref().map(name), reason, failing };
    Ok((code, [(header::CACHE_CONTROL, "no-store")], Json::encode(&body)?).into_response())
}

fn name(status: &Status) -> &'static str {
    match status {
        Status::Connecting => "connecting",
        Status::Up => "up",
        Status::SchemaOutdated(_) => "behind",
        Status::TriggerMissing => "untracked",
        Status::ReadOnly => "read_only",
        Status::Unusable(_) => "unusable",
        Status::Unreachable(_) => "down",
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    // A page takes about a millisecond, and a connection may have many requests in its buffer. Without
    // this, probes would wait for all of them.
    yield_now().await;
    match TextEncoder::new().encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => Error::Metrics(error).into_response(),
    }
}

//! `/healthz`, `/readyz` and `/metrics` on the admin port. Their requests are neither traced, nor logged,
//! nor counted.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus::TextEncoder;
use tokio::task::yield_now;

use super::error::Error;
use super::exposition::prefers_openmetrics;
use super::routes::Route;
use super::state::AdminState;
use crate::api::{Health, Json, Ready};
use crate::db::Status;
use crate::readiness::Report;
use crate::telemetry::OpenMetrics;

pub(super) fn routes() -> [Route<AdminState>; 3] {
    [Route::get("/healthz", healthz), Route::get("/readyz", readyz), Route::get("/metrics", metrics)]
}

/// A process that can respond is alive.
async fn healthz() -> Result<Json<Health>, Error> {
    Ok(Json::encode(&Health { status: "alive" })?)
}

async fn readyz(State(state): State<AdminState>) -> Result<Response, Error> {
    let Report { database, replica, reason, failing } = state.readiness.report();
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

async fn metrics(State(state): State<AdminState>, headers: HeaderMap) -> Response {
    // A page takes about a millisecond, and a connection may have many requests in its buffer. Without
    // this, probes would wait for all of them.
    yield_now().await;
    let families = state.registry.gather();
    if prefers_openmetrics(&headers) {
        let page = OpenMetrics(&families).to_string();
        return ([(header::CONTENT_TYPE, OpenMetrics::CONTENT_TYPE)], page).into_response();
    }
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => Error::Metrics(error).into_response(),
    }
}

//! Instances that export telemetry, and requests that belong to a trace.

use sqlx::PgPool;

use crate::support::collector::Collector;
use crate::support::http::{Response, send};
use crate::support::{Films, set, variables};

/// Trace id and span id of a client's trace.
pub(super) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(super) const SPAN: &str = "b7ad6b7169203331";

/// Starts an instance that exports to the collector, with a seeded catalogue.
pub(super) async fn start(pool: &PgPool, collector: &Collector, more: &[(&str, &str)]) -> Films {
    Films::start_with(pool, &[&collector.variables(), more].concat()).await
}

/// Starts an instance with these variables, on an empty catalogue.
pub(super) async fn spawn(pool: &PgPool, more: &[(&str, &str)]) -> Films {
    let mut variables = variables(pool);
    variables.extend(set(more));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    films
}

/// Sends a GET request with this `traceparent`.
pub(super) async fn get_traced(films: &Films, path: &str, traceparent: &str) -> Response {
    send(films.http, "GET", path, &[("traceparent", traceparent)], "").await
}

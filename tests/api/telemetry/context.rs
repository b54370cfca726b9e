//! Traces that a client has begun.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::PgPool;

use super::instances::{SPAN, TRACE, get_traced, spawn, start};
use crate::support::collector::{Collector, GRPC};
use crate::support::http::send;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_incoming_trace_is_continued(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let headers = [("traceparent", traceparent.as_str()), ("tracestate", "vendor=7")];
    send(films.http, "GET", "/films/", &headers, "").await;
    let span = collector.server_span().await;
    assert_eq!((span.trace_id.as_str(), span.parent.as_str()), (TRACE, SPAN));
    assert_eq!(span.trace_state, "vendor=7");
    assert_eq!(collector.client_span().await.trace_id, TRACE);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_incoming_trace_is_ignored_without_propagators(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("OTEL_PROPAGATORS", "none")]).await;
    get_traced(&films, "/films/", &format!("00-{TRACE}-{SPAN}-01")).await;
    let span = collector.server_span().await;
    assert_ne!(span.trace_id, TRACE);
    assert_eq!(span.parent, "");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unsampled_trace_is_not_exported(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    get_traced(&films, "/films/1/", &format!("00-{TRACE}-{SPAN}-00")).await;
    films.get("/films/2/").await;
    films.stop().await;
    let span = collector.server_span().await;
    span.assert_attributes(&json!({"url.path": "/films/2/"}));
    let traces: BTreeSet<String> = collector.spans().into_iter().map(|span| span.trace_id).collect();
    assert_eq!(traces, BTreeSet::from([span.trace_id]));
}

//! Export of spans, metrics and logs.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use sqlx::PgPool;

use super::instances::{spawn, start};
use crate::support::Films;
use crate::support::collector::{Collector, GRPC, HTTP, SpanKind};
use crate::support::unreachable::{ClosedPort, silent_server};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_spans_of_the_last_requests_are_exported_on_sigterm(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[("OTEL_BSP_SCHEDULE_DELAY", "60000")]).await;
        for id in 1..=20 {
            films.get(&format!("/films/{id}/")).await;
        }
        films.stop().await;
        let spans = collector.spans();
        for kind in [SpanKind::Server, SpanKind::Client, SpanKind::Internal] {
            assert_eq!(spans.iter().filter(|span| span.kind == kind).count(), 20, "{protocol} {kind:?}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_last_export_has_every_metric(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("OTEL_METRIC_EXPORT_INTERVAL", "60000")]).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    films.stop().await;
    let exported: BTreeSet<String> = collector.metrics().into_iter().map(|metric| metric.name).collect();
    for name in ["batch.queue", "films.ready", "films.database.reachable", "films.reads", "batch.size"] {
        assert!(exported.contains(name), "{name} is not in {exported:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_and_scrapes_make_no_spans(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(films.admin(path).await.status, 200);
    }
    films.get("/films/").await;
    films.stop().await;
    let names: BTreeSet<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, BTreeSet::from(["GET /films/", "SELECT film", "wait for batch"].map(str::to_owned)));
    assert_eq!(collector.spans().len(), 3);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_disabled_sdk_exports_nothing(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("OTEL_SDK_DISABLED", "true")]).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    films.stop().await;
    assert!(collector.is_empty());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_an_endpoint_nothing_is_exported(pool: PgPool) {
    // This variable alone must not send spans to a collector at the default endpoint.
    let films = Films::start_with(&pool, &[("OTEL_TRACES_EXPORTER", "otlp")]).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    let log = films.stop().await;
    assert!(log.iter().all(|line| line["level"] == "INFO"), "{log:#?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_signal_can_be_switched_off(pool: PgPool) {
    for (off, expected) in [
        ("OTEL_TRACES_EXPORTER", [false, true, true]),
        ("OTEL_METRICS_EXPORTER", [true, false, true]),
        ("OTEL_LOGS_EXPORTER", [true, true, false]),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = start(&pool, &collector, &[(off, "none")]).await;
        assert_eq!(films.get("/films/995/").await.status, 200);
        films.stop().await;
        let (spans, metrics, logs) = (collector.spans(), collector.metrics(), collector.logs());
        assert_eq!([!spans.is_empty(), !metrics.is_empty(), !logs.is_empty()], expected, "{off}");
    }
}

/// Serves and stops, with this address as the collector's.
async fn serve_and_stop(pool: &PgPool, collector: SocketAddr, protocol: &str) {
    let endpoint = format!("http://{collector}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let films = spawn(pool, &variables).await;
    for _ in 0..20 {
        assert_eq!(films.get("/films/").await.status, 200);
    }
    films.stop().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unreachable_collector_does_not_disturb_requests(pool: PgPool) {
    let port = ClosedPort::reserve();
    for protocol in [GRPC, HTTP] {
        serve_and_stop(&pool, port.address(), protocol).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_silent_collector_does_not_disturb_requests(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        serve_and_stop(&pool, silent_server().await, protocol).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn metrics_are_pushed(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[("OTEL_METRIC_EXPORT_INTERVAL", "100")]).await;
        films.get("/films/995/").await;
        let metric = collector.metric("http.server.request.duration").await;
        assert_eq!(metric.resource["service.name"], "films");
        collector.metric("batch.size").await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn log_records_are_pushed(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = spawn(&pool, &collector.variables()).await;
        let log = collector.log("listening").await;
        assert_eq!((log.resource["service.name"].as_str(), log.severity.as_str()), (Some("films"), "INFO"));
        assert_eq!(log.attributes["key"], "http.listen");
        assert_eq!(log.attributes["address"], films.http.to_string());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_log_record_has_the_ids_of_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    films.get("/films/1/").await.problem(500, "internal");
    let log = collector.log("request failed").await;
    let span = collector.server_span().await;
    assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.id));
}

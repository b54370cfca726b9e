//! What leaves the process, and what does not.

use super::*;

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
async fn a_resource_names_the_service_and_its_version(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/").await;
    let resource = collector.server_span().await.resource;
    assert_eq!(resource["service.name"], "films");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_standard_variables_name_the_resource(pool: PgPool) {
    for (more, name) in [
        (
            [("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"), ("OTEL_SERVICE_NAME", "")],
            "films",
        ),
        (
            [
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=lost,deployment.environment.name=test"),
                ("OTEL_SERVICE_NAME", "catalogue"),
            ],
            "catalogue",
        ),
        (
            [
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=found,deployment.environment.name=test"),
                ("OTEL_SERVICE_NAME", ""),
            ],
            "found",
        ),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = spawn(&pool, &[&collector.variables(), more.as_slice()].concat()).await;
        films.get("/films/").await;
        let resource = collector.server_span().await.resource;
        assert_eq!(resource["service.name"], name, "{more:?}");
        assert_eq!(resource["deployment.environment.name"], "test", "{more:?}");
    }
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
async fn no_endpoint_exports_nothing(pool: PgPool) {
    // The default endpoint of a collector may be in use on this machine, but not by us.
    let films = Films::start_with(&pool, &[("OTEL_TRACES_EXPORTER", "otlp")]).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    let log = films.stop().await;
    assert!(log.iter().all(|line| line["level"] == "INFO"), "{log:#?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_signal_has_an_off_switch(pool: PgPool) {
    for (off, left) in [
        ("OTEL_TRACES_EXPORTER", [false, true, true]),
        ("OTEL_METRICS_EXPORTER", [true, false, true]),
        ("OTEL_LOGS_EXPORTER", [true, true, false]),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = start(&pool, &collector, &[(off, "none")]).await;
        assert_eq!(films.get("/films/995/").await.status, 200);
        films.stop().await;
        let (spans, metrics, logs) = (collector.spans(), collector.metrics(), collector.logs());
        assert_eq!([!spans.is_empty(), !metrics.is_empty(), !logs.is_empty()], left, "{off}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_signal_with_an_endpoint_of_its_own_goes_there_alone(pool: PgPool) {
    let collector = Collector::start(HTTP).await;
    let endpoint = format!("{}/v1/traces", collector.endpoint());
    let films = spawn(
        &pool,
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", HTTP)],
    )
    .await;
    films.get("/films/").await;
    films.stop().await;
    assert_eq!(collector.server_span().await.name, "GET /films/");
    assert!(collector.metrics().is_empty() && collector.logs().is_empty());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn samplers_are_honoured(pool: PgPool) {
    for (sampler, argument) in [("always_off", ""), ("traceidratio", "0"), ("parentbased_traceidratio", "0")]
    {
        let collector = Collector::start(GRPC).await;
        let sampler = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let films = start(&pool, &collector, &sampler).await;
        assert_eq!(films.get("/films/995/").await.status, 200);
        films.stop().await;
        assert!(collector.spans().is_empty(), "{sampler:?}");
        assert!(!collector.metrics().is_empty(), "{sampler:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn samplers_look_at_the_clients_decision_where_they_should(pool: PgPool) {
    for (sampler, flag, is_traced) in [
        ("parentbased_always_off", "01", true),
        ("parentbased_always_on", "00", false),
        ("always_on", "00", true),
        ("always_off", "01", false),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = start(&pool, &collector, &[("OTEL_TRACES_SAMPLER", sampler)]).await;
        let client = format!("00-{TRACE}-{SPAN}-{flag}");
        send(films.http, "GET", "/films/995/", &[("traceparent", &client)], "").await;
        films.stop().await;
        let kinds: Vec<_> = collector.spans().into_iter().map(|span| span.kind).collect();
        let whole = kinds.contains(&SpanKind::Server) && kinds.contains(&SpanKind::Client);
        assert_eq!((whole, !kinds.is_empty()), (is_traced, is_traced), "{sampler}, {flag}: {kinds:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_ratio_is_about_that_share_of_the_traces(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let half = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")];
    let films = start(&pool, &collector, &half).await;
    for _ in 0..400 {
        films.get("/films/995/").await;
    }
    films.stop().await;
    let spans = collector.spans();
    let of_kind = |kind| spans.iter().filter(|span| span.kind == kind).count();
    // Ten standard deviations to either side.
    assert!((100..300).contains(&of_kind(SpanKind::Server)), "{} traces", of_kind(SpanKind::Server));
    assert_eq!(of_kind(SpanKind::Client), of_kind(SpanKind::Server), "each has its query");
}

/// Serves and stops with what should be a collector at this address.
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
async fn a_collector_that_is_away_harms_nobody(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        serve_and_stop(&pool, free, protocol).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_collector_that_never_answers_harms_nobody(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        serve_and_stop(&pool, black_hole().await, protocol).await;
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
async fn log_lines_are_pushed(pool: PgPool) {
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
async fn a_pushed_log_line_has_the_ids_of_its_trace(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    films.get("/films/1/").await.problem(500, "internal");
    let log = collector.log("request failed").await;
    let span = collector.server_span().await;
    assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.id));
}

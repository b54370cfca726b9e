//! What the service tells of itself: traces, metrics and logs, as a collector, a scrape and a reader
//! of stdout get them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::ChildStdout;
use tokio::time::{sleep, timeout};

use crate::support::collector::{Collector, GRPC, HTTP, Span, SpanKind, StatusCode, black_hole};
use crate::support::http::{Answer, send, send_h2};
use crate::support::{Films, PATIENCE, command, set, variables};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A seeded instance that exports to the collector.
async fn start(pool: &PgPool, collector: &Collector, more: &[(&str, &str)]) -> Films {
    Films::start_with(pool, &[&collector.variables(), more].concat()).await
}

/// An instance on an empty catalogue, with these variables.
async fn spawn(pool: &PgPool, more: &[(&str, &str)]) -> Films {
    let mut variables = variables(pool);
    variables.extend(set(more));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    films
}

/// An instance whose database is not there.
async fn spawn_without_database(more: &[(&str, &str)]) -> Films {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut variables = set(&[
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("DATABASE_URL", &format!("postgres://{free}/films")),
    ]);
    variables.extend(set(more));
    Films::spawn(&variables).await
}

async fn get_traced(films: &Films, path: &str, traceparent: &str) -> Answer {
    send(films.http, "GET", path, &[("traceparent", traceparent)], "").await
}

/// Waits until this holds.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn assert_attributes(span: &Span, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(span.attributes.get(name), Some(value), "{name} of {span:#?}");
    }
}

/// Whether the parents of `span` lead to `ancestor`.
fn descends(span: &Span, ancestor: &Span, spans: &[Span]) -> bool {
    let mut id = &span.parent;
    while *id != ancestor.id {
        let Some(parent) = spans.iter().find(|span| span.id == *id) else { return false };
        id = &parent.parent;
    }
    span.trace_id == ancestor.trace_id
}

// Spans

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_is_a_server_span_by_the_conventions(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[]).await;
        let headers = [("user-agent", "test/1")];
        assert_eq!(send(films.http, "GET", "/films/?year.gt=2010", &headers, "").await.status, 200);
        let span = collector.server_span().await;
        assert_eq!((span.name.as_str(), span.parent.as_str()), ("GET /films/", ""));
        assert_eq!(span.status, StatusCode::Unset);
        assert_attributes(
            &span,
            &json!({
                "http.request.method": "GET",
                "http.route": "/films/",
                "http.response.status_code": 200,
                "url.scheme": "http",
                "url.path": "/films/",
                "url.query": "year.gt=2010",
                "network.protocol.version": "1.1",
                "network.peer.address": "127.0.0.1",
                "user_agent.original": "test/1",
            }),
        );
        assert!(span.attributes["network.peer.port"].is_number(), "{span:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_names_the_route_and_not_the_path(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/{film_id}/");
    assert_attributes(&span, &json!({"http.route": "/films/{film_id}/", "url.path": "/films/995/"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_path_without_a_route_gives_its_span_no_name(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/nowhere/1/").await;
    let span = collector.server_span().await;
    assert_eq!((span.name.as_str(), span.attributes.get("http.route")), ("GET", None));
    assert_attributes(&span, &json!({"url.path": "/nowhere/1/", "http.response.status_code": 404}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_tells_host_and_port_apart(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/").await;
    let expected = json!({"server.address": "127.0.0.1", "server.port": films.http.port()});
    assert_attributes(&collector.server_span().await, &expected);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_of_http2_is_the_same(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send_h2(films.http, "GET", "/films/", "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/");
    assert_attributes(
        &span,
        &json!({
            "network.protocol.version": "2",
            "url.path": "/films/",
            "server.address": "127.0.0.1",
            "server.port": films.http.port(),
        }),
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invented_method_is_other_in_a_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "HTTP /films/");
    let expected = json!({"http.request.method": "_OTHER", "http.request.method_original": "BREW"});
    assert_attributes(&span, &expected);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_query_is_a_client_span_below_its_request(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[]).await;
        films.get("/films/995/").await;
        let (request, query) = (collector.server_span().await, collector.client_span().await);
        assert_eq!((query.name.as_str(), query.status), ("SELECT film", StatusCode::Unset));
        assert!(descends(&query, &request, &collector.spans()), "{:#?}", collector.spans());
        let options = pool.connect_options();
        assert_attributes(
            &query,
            &json!({
                "db.system.name": "postgresql",
                "db.namespace": options.get_database().unwrap(),
                "db.operation.name": "SELECT",
                "db.collection.name": "film",
                "db.query.summary": "SELECT film",
                "db.query.text": "select film_id, release_year, title from film where film_id = any($1)",
                "server.address": options.get_host(),
                "server.port": options.get_port(),
                "batch.size": 1,
            }),
        );
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn waiting_for_a_batch_is_a_span_below_its_request(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let request = collector.server_span().await;
    let wait = collector.span(|span| span.name == "wait for batch").await;
    assert!(descends(&wait, &request, &collector.spans()), "{:#?}", collector.spans());
    assert_eq!(wait.kind, SpanKind::Internal);
    assert_attributes(&wait, &json!({"batch.name": "film"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_an_insert(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    assert_eq!(films.post("/reviews/", r#"{"film_id":995,"rating":4}"#).await.status, 200);
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    assert_eq!((request.name.as_str(), query.name.as_str()), ("POST /reviews/", "INSERT review"));
    assert!(descends(&query, &request, &collector.spans()), "{:#?}", collector.spans());
    assert_attributes(&query, &json!({"db.operation.name": "INSERT", "db.collection.name": "review"}));
    assert!(query.attributes["db.query.text"].as_str().unwrap().contains("insert into review"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_mistake_of_the_client_is_no_error_of_the_server(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/0/").await.problem(404, "no-such-film");
    let span = collector.server_span().await;
    assert_eq!((span.status, span.attributes.get("error.type")), (StatusCode::Unset, None));
    assert_attributes(&span, &json!({"http.response.status_code": 404}));
}

#[tokio::test]
async fn a_failure_on_our_side_is_an_error_of_request_and_query() {
    let collector = Collector::start(GRPC).await;
    let films = spawn_without_database(&collector.variables()).await;
    films.get("/films/1/").await.problem(503, "unavailable");
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    for span in [&request, &query] {
        assert_eq!(span.status, StatusCode::Error, "{span:#?}");
        assert_attributes(span, &json!({"error.type": "unavailable"}));
    }
    assert_attributes(&request, &json!({"http.response.status_code": 503}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_code_of_a_refused_query_is_on_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    films.get("/films/1/").await.problem(500, "internal");
    let query = collector.client_span().await;
    assert_eq!(query.status, StatusCode::Error);
    assert_attributes(&query, &json!({"db.response.status_code": "42703", "error.type": "query"}));
}

// Trace context

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
async fn a_trace_that_is_not_sampled_is_not_exported(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    get_traced(&films, "/films/1/", &format!("00-{TRACE}-{SPAN}-00")).await;
    films.get("/films/2/").await;
    films.stop().await;
    let span = collector.server_span().await;
    assert_attributes(&span, &json!({"url.path": "/films/2/"}));
    let traces: BTreeSet<String> = collector.spans().into_iter().map(|span| span.trace_id).collect();
    assert_eq!(traces, BTreeSet::from([span.trace_id]));
}

// Batches

/// Requests that are sent while another one's query holds the only connection, so that they are one
/// batch, in this order. Returns the span of that batch's query.
async fn one_batch(
    pool: &PgPool,
    collector: &Collector,
    paths: impl IntoIterator<Item = String>,
    traceparent: impl Fn(usize) -> String,
) -> (Films, Span) {
    let patient = [
        ("FILMS__DATABASE__POOL_SIZE", "1"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "1m"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "1m"),
    ];
    let films = start(pool, collector, &patient).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let mut answers = vec![ask(films.http, "/films/999/".to_owned(), format!("00-{TRACE}-{SPAN}-00"))];
    until("the first query waits for the lock", || async {
        let waiting = "select true from pg_locks where relation = 'film'::regclass and not granted";
        sqlx::query_scalar::<_, bool>(waiting).fetch_optional(pool).await.unwrap()
    })
    .await;
    for (queued, path) in paths.into_iter().enumerate() {
        answers.push(ask(films.http, path, traceparent(queued)));
        until("the request is queued", || async {
            let page = films.admin("/metrics").await.body;
            let queue = sample(&page, "batch_queue", &[r#"batch_name="film""#]);
            queue.filter(|queue| queue.total_cmp(&f64::from(u32::try_from(queued).unwrap() + 1)).is_eq())
        })
        .await;
    }
    let size = answers.len() - 1;
    lock.rollback().await.unwrap();
    for answer in answers {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let query = collector.span(|span| span.attributes.get("batch.size") == Some(&json!(size))).await;
    (films, query)
}

fn ask(to: SocketAddr, path: String, traceparent: String) -> tokio::task::JoinHandle<Answer> {
    tokio::spawn(async move { send(to, "GET", &path, &[("traceparent", &traceparent)], "").await })
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_that_share_a_query_are_linked_with_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let paths: Vec<String> = (1..=10).map(|id| format!("/films/{id}/")).collect();
    let sampled = |place| format!("00-{:032x}-{SPAN}-01", place + 1);
    let (_films, query) = one_batch(&pool, &collector, paths.clone(), sampled).await;

    let mut below = 0;
    for path in paths {
        let is_wanted =
            |span: &Span| span.kind == SpanKind::Server && span.attributes["url.path"] == path.as_str();
        let request = collector.span(is_wanted).await;
        let spans = collector.spans();
        if descends(&query, &request, &spans) {
            below += 1;
        } else {
            assert!(query.links.contains(&request.ids()), "{path} is not linked from {query:#?}");
            let links_back =
                |span: &&Span| span.trace_id == request.trace_id && span.links.contains(&query.ids());
            assert!(spans.iter().any(|span| links_back(&span)), "{path} has no link to its query");
        }
    }
    assert_eq!((below, query.links.len()), (1, 9));
    assert_eq!(collector.spans().iter().filter(|span| span.kind == SpanKind::Client).count(), 1);
}

/// Where few requests are sampled, the first of a batch is most often not one of them.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_sampled_request_shows_its_query_whoever_was_first_in_the_batch(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let paths = (1..=4).map(|id| format!("/films/{id}/"));
    let only_the_third = |place| format!("00-{:032x}-{SPAN}-{:02x}", place + 1, u8::from(place == 2));
    let (films, query) = one_batch(&pool, &collector, paths, only_the_third).await;
    films.stop().await;
    let request = collector.server_span().await;
    assert_attributes(&request, &json!({"url.path": "/films/3/"}));
    let spans = collector.spans();
    assert!(descends(&query, &request, &spans) || query.links.contains(&request.ids()), "{spans:#?}");
}

// What is exported, and what is not

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
async fn a_collector_that_is_away_harms_nobody(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let endpoint = format!("http://{free}");
        let films = Films::start_with(
            &pool,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ],
        )
        .await;
        for _ in 0..20 {
            assert_eq!(films.get("/films/995/").await.status, 200);
        }
        films.stop().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_collector_that_never_answers_harms_nobody(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let endpoint = format!("http://{}", black_hole().await);
        let films = spawn(
            &pool,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ],
        )
        .await;
        for _ in 0..20 {
            assert_eq!(films.get("/films/").await.status, 200);
        }
        films.stop().await;
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

// Log lines on stdout

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_log_line_of_a_request_has_the_ids_of_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("FILMS__LOG__FILTER", "info,films::http=debug")]).await;
    films.get("/films/995/").await;
    let line = until("a line of the request", || async {
        films.log().into_iter().find(|line| line["path"] == "/films/995/")
    })
    .await;
    let span = collector.server_span().await;
    assert_eq!(line["trace_id"], span.trace_id.as_str(), "{line:#}");
    assert_eq!(line["span_id"], span.id.as_str(), "{line:#}");
    assert_eq!((&line["method"], &line["status"]), (&json!("GET"), &json!(200)), "{line:#}");
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line:#}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn log_lines_in_a_container_are_json(pool: PgPool) {
    let films = spawn(&pool, &[("FILMS__LOG__FILTER", "info,films::http=debug")]).await;
    films.get("/films/").await;
    let log = films.stop().await;
    for line in &log {
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "no {key} in {line:#}");
        }
    }
    let request = log.iter().find(|line| line["message"] == "request").expect("a line of the request");
    assert_eq!(request.get("trace_id"), None, "nobody listens, so there is no trace: {request:#}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_are_not_logged(pool: PgPool) {
    let films = spawn(&pool, &[("FILMS__LOG__FILTER", "films=trace")]).await;
    films.admin("/healthz").await;
    films.admin("/metrics").await;
    films.get("/films/").await;
    let log = films.stop().await;
    let paths: Vec<&Value> = log.iter().filter_map(|line| line.get("path")).collect();
    assert_eq!(paths, [&json!("/films/")]);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn log_lines_are_text_where_that_is_asked_for(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let mut variables = variables(&pool);
    variables.extend(set(&collector.variables()));
    variables.extend(set(&[("FILMS__LOG__FORMAT", "text"), ("RUST_LOG", "info,films::http=debug")]));
    let mut films = command(&variables, &["serve"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(films.stdout.take().unwrap()).lines();

    let listening = line(&mut lines, "http.listen").await;
    assert!(!listening.contains('\u{1b}'), "stdout is no terminal, but has colours: {listening:?}");
    let (_, address) = listening.split_once("address=").unwrap();
    let address = address.split_whitespace().next().unwrap().parse().unwrap();
    send(address, "GET", "/films/", &[], "").await;
    let request = line(&mut lines, "path=").await;
    let span = collector.server_span().await;
    assert!(request.starts_with(&format!("{} {} ", span.trace_id, span.id)), "{request}");
    assert!(request.contains("DEBUG") && request.contains("status=200"), "{request}");
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>, wanted: &str) -> String {
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("a line that is wanted");
        let line = line.unwrap().expect("a line that is wanted");
        if line.contains(wanted) {
            return line;
        }
    }
}

// Metrics to scrape

/// The value of the sample of this name that has these labels among its own.
fn sample(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    page.lines().find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (its_name, its_labels) = series.split_once('{').unwrap_or((series, "}"));
        let its_labels: Vec<&str> = its_labels.strip_suffix('}')?.split(',').collect();
        (its_name == name && labels.iter().all(|label| its_labels.contains(label)))
            .then(|| value.parse().unwrap())
    })
}

#[track_caller]
fn assert_sample(page: &str, name: &str, labels: &[&str], expected: u32) {
    let value = sample(page, name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in\n{page}"));
    assert!(value.total_cmp(&f64::from(expected)).is_eq(), "{name} {labels:?} is {value}, not {expected}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_are_counted_by_route_and_status(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [1, 2, 3, 0] {
        films.get(&format!("/films/{id}/")).await;
    }
    let answer = films.admin("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    let (page, name) = (&answer.body, "http_server_request_duration_seconds_count");
    let route = r#"http_route="/films/{film_id}/""#;
    let method = r#"http_request_method="GET""#;
    assert_sample(page, name, &[route, method, r#"http_response_status_code="200""#], 3);
    assert_sample(page, name, &[route, method, r#"http_response_status_code="404""#], 1);
    assert_sample(page, "http_server_active_requests", &[route, method], 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_are_not_counted(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    films.admin("/healthz").await;
    films.admin("/metrics").await;
    let page = films.admin("/metrics").await.body;
    assert_eq!(sample(&page, "http_server_request_duration_seconds_count", &[]), None, "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn histograms_of_time_begin_below_a_millisecond(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    let page = films.admin("/metrics").await.body;
    for name in ["http_server_request_duration_seconds_bucket", "batch_wait_seconds_bucket"] {
        for bound in ["0.00005", "0.001", "10"] {
            assert!(sample(&page, name, &[&format!("le=\"{bound}\"")]).is_some(), "{name} {bound}\n{page}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn batches_and_connections_are_counted(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__POOL_SIZE", "7")]).await;
    for id in 1..=5 {
        films.get(&format!("/films/{id}/")).await;
    }
    let page = films.admin("/metrics").await.body;
    let film = r#"batch_name="film""#;
    assert_sample(&page, "batch_size_count", &[film], 5);
    assert_sample(&page, "batch_size_sum", &[film], 5);
    assert_sample(&page, "batch_wait_seconds_count", &[film], 5);
    assert_sample(&page, "batch_queue", &[film], 0);
    assert_sample(&page, "db_client_connection_max", &[], 7);
    let count = |state: &str| {
        let state = format!("db_client_connection_state=\"{state}\"");
        sample(&page, "db_client_connection_count", &[&state])
    };
    assert!(count("idle").unwrap() + count("used").unwrap() >= 1.0, "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_build_is_a_metric(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    let page = films.admin("/metrics").await.body;
    assert_sample(&page, "films_build_info", &[&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))], 1);
    assert!(page.contains("commit=\""), "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invented_method_or_path_makes_no_label_of_its_own(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    films.get("/coffee/").await;
    let page = films.admin("/metrics").await.body;
    let name = "http_server_request_duration_seconds_count";
    assert_sample(&page, name, &[r#"http_request_method="_OTHER""#, r#"http_response_status_code="405""#], 1);
    assert_sample(&page, name, &[r#"http_response_status_code="404""#], 1);
    assert!(!page.contains("BREW") && !page.contains("coffee"), "{page}");
}

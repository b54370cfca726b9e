//! `/metrics` in the `OpenMetrics` format, with exemplars.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgPool;

use super::batches::{one_batch, paths};
use super::instances::{SPAN, TRACE, get_traced, spawn, start};
use super::openmetrics::{Page, Sample};
use crate::support::Films;
use crate::support::collector::{Collector, GRPC, Span, SpanKind};
use crate::support::http::{REVIEW, Response, send};

const DURATION: &str = "http_server_request_duration_seconds_bucket";
const WAIT: &str = "batch_wait_seconds_bucket";

async fn scrape(films: &Films) -> Response {
    let accept = [("accept", "application/openmetrics-text; version=1.0.0")];
    send(films.admin, "GET", "/metrics", &accept, "").await
}

/// Returns the buckets of a metric that have exemplars.
fn with_exemplars<'a>(page: &'a Page, name: &str) -> Vec<&'a Sample> {
    page.samples.iter().filter(|sample| sample.name == name && sample.exemplar.is_some()).collect()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_exemplar_leads_to_the_trace_of_a_request_of_its_bucket(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    films.get("/films/0/").await;
    films.post("/reviews/", REVIEW).await;
    let response = scrape(&films).await;
    films.stop().await;

    let spans: BTreeMap<_, Span> = collector.spans().into_iter().map(|span| (span.ids(), span)).collect();
    let page = Page::parse(&response.body);
    let durations = with_exemplars(&page, DURATION);
    for sample in &durations {
        let span = &spans[&sample.exemplar_ids()];
        assert_eq!(span.kind, SpanKind::Server);
        span.assert_attributes(&json!({
            "http.request.method": sample.labels["http_request_method"],
            "http.route": sample.labels["http_route"],
            "http.response.status_code": sample.labels["http_response_status_code"].parse::<u16>().unwrap(),
        }));
    }
    let waits = with_exemplars(&page, WAIT);
    for sample in &waits {
        let span = &spans[&sample.exemplar_ids()];
        assert_eq!(span.name, "wait for batch");
        span.assert_attributes(&json!({"query": sample.labels["query"]}));
    }
    assert_eq!(durations.len(), 3, "{}", response.body);
    // The two reads may have waited about as long as each other.
    assert!((2..=3).contains(&waits.len()), "{}", response.body);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn only_sampled_requests_are_exemplars(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let third = |position| format!("00-{:032x}-{SPAN}-{:02x}", position + 1, u8::from(position == 2));
    let (films, _) = one_batch(&pool, &collector, &[], &paths(1..=4), third).await;
    let page = Page::parse(&scrape(&films).await.body);
    for name in [DURATION, WAIT] {
        let found = with_exemplars(&page, name);
        let traces: Vec<_> = found.iter().map(|sample| sample.exemplar_ids().0).collect();
        assert_eq!(traces, [format!("{:032x}", 3)], "{name}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_bucket_has_the_last_of_its_exemplars(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    let unsampled = format!("00-{TRACE}-{SPAN}-00");
    for number in 1..=30 {
        get_traced(&films, "/films/995/", &format!("00-{number:032x}-{SPAN}-01")).await;
        get_traced(&films, "/films/995/", &unsampled).await;
    }
    let page = Page::parse(&scrape(&films).await.body);
    let traces = with_exemplars(&page, DURATION).into_iter().map(|sample| sample.exemplar_ids().0);
    // The last request is in some bucket.
    assert_eq!(traces.max(), Some(format!("{:032x}", 30)));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_a_collector_there_are_no_exemplars(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    get_traced(&films, "/films/", &format!("00-{TRACE}-{SPAN}-01")).await;
    let page = Page::parse(&scrape(&films).await.body);
    assert!(page.samples.iter().any(|sample| sample.name == DURATION));
    assert!(page.samples.iter().all(|sample| sample.exemplar.is_none()));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn both_formats_have_the_same_samples(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    films.post("/reviews/", REVIEW).await;
    let (text, openmetrics) = (films.admin("/metrics").await, scrape(&films).await);
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4");
    assert!(!text.body.contains("trace_id") && !text.body.contains("# EOF"), "{text:?}");
    let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(openmetrics.header("content-type"), expected);

    let series = |line: &str| {
        let line = line.split(" # ").next().unwrap();
        let (series, _) = line.rsplit_once(' ').unwrap();
        series.replace(".0\"}", "\"}")
    };
    let all = |body: &str| {
        let mut all: Vec<_> = body.lines().filter(|line| !line.starts_with('#')).map(series).collect();
        all.sort();
        all
    };
    assert_eq!(all(&text.body), all(&openmetrics.body));
}

/// The parser of Prometheus' client for Python is strict. `cargo xtask test` installs the client, or fails.
#[expect(clippy::disallowed_methods, reason = "`cargo xtask test` says where Python is")]
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn another_parser_reads_the_page(pool: PgPool) {
    let Ok(python) = std::env::var("FILMS_TEST_OPENMETRICS") else {
        eprintln!("skipped: start the tests with `cargo xtask test`");
        return;
    };
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    films.get("/nowhere/").await;
    films.post("/reviews/", REVIEW).await;
    let page = scrape(&films).await.body;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    std::fs::write(&file, &page).unwrap();
    let parse = "import sys; from prometheus_client.openmetrics.parser import text_fd_to_metric_families as parse\n\
                 families = list(parse(open(sys.argv[1])))\n\
                 print(sum(sample.exemplar is not None for family in families for sample in family.samples))";
    let output = std::process::Command::new(python).args(["-c", parse]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}\n{page}", String::from_utf8_lossy(&output.stderr));
    let exemplars: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert_eq!(exemplars, page.matches("trace_id=").count());
    assert!(exemplars >= 5, "{page}");
}

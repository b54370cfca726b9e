//! Names of spans' attributes and of metrics, compared with OpenTelemetry's semantic conventions.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_semantic_conventions::{attribute, metric};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::batches::{one_batch, paths};
use super::instances::SPAN;
use crate::support::collector::{Collector, GRPC, HTTP, Metric};
use crate::support::http::{REVIEW, send};
use crate::support::{run, set};

/// Names of the conventions. The constants are the crate's, so that a name of our own cannot slip in, and
/// one that the conventions drop does not compile.
const CONVENTIONAL: [&str; 29] = [
    attribute::DB_CLIENT_CONNECTION_POOL_NAME,
    attribute::DB_CLIENT_CONNECTION_STATE,
    attribute::DB_COLLECTION_NAME,
    attribute::DB_NAMESPACE,
    attribute::DB_OPERATION_BATCH_SIZE,
    attribute::DB_OPERATION_NAME,
    attribute::DB_QUERY_SUMMARY,
    attribute::DB_QUERY_TEXT,
    attribute::DB_RESPONSE_STATUS_CODE,
    attribute::DB_SYSTEM_NAME,
    attribute::ERROR_TYPE,
    attribute::HTTP_REQUEST_METHOD,
    attribute::HTTP_REQUEST_METHOD_ORIGINAL,
    attribute::HTTP_RESPONSE_STATUS_CODE,
    attribute::HTTP_ROUTE,
    attribute::NETWORK_PEER_ADDRESS,
    attribute::NETWORK_PEER_PORT,
    attribute::NETWORK_PROTOCOL_VERSION,
    attribute::SERVER_ADDRESS,
    attribute::SERVER_PORT,
    attribute::URL_PATH,
    attribute::URL_QUERY,
    attribute::URL_SCHEME,
    attribute::USER_AGENT_ORIGINAL,
    metric::DB_CLIENT_CONNECTION_COUNT,
    metric::DB_CLIENT_CONNECTION_MAX,
    metric::HTTP_SERVER_ACTIVE_REQUESTS,
    metric::HTTP_SERVER_REQUEST_DURATION,
    metric::OTEL_SDK_LOG_CREATED,
];

/// Names of our own, for what the conventions do not know.
const OWN: [&str; 16] = [
    "batch.queue",
    "batch.size",
    "batch.wait",
    "films.build_info",
    "films.database.reachable",
    "films.faults",
    "films.leases",
    "films.query.failures",
    "films.reads",
    "films.ready",
    // Attributes.
    "commit",
    "fault",
    "outcome",
    "query",
    "source",
    "version",
];

/// Uses every feature of the service once, until the instance has exported everything.
async fn use_everything(pool: &PgPool, collector: &Collector) {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&token, "0123456789abcdef").unwrap();
    let settings = [
        ("FILMS__FAULTS__ENABLED", "true"),
        ("FILMS__FAULTS__TOKEN_FILE", token.path().to_str().unwrap()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
    ];
    let sampled = |position| format!("00-{:032x}-{SPAN}-01", position + 1);
    let (films, _) = one_batch(pool, collector, &settings, &paths(1..=2), sampled).await;
    let headers = [("user-agent", "test/1")];
    send(films.http, "GET", "/films/?year.gt=2010", &headers, "").await;
    send(films.http, "BREW", "/films/", &[], "").await;
    films.get("/films/1/reviews/").await;
    films.post("/reviews/", REVIEW).await;
    sqlx::query("alter table film drop column title cascade").execute(pool).await.unwrap();
    films.get("/films/500/").await.problem(500, "internal");
    films.stop().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_name_is_conventional_or_in_our_own_list(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    use_everything(&pool, &collector).await;
    let attributes = collector.spans().into_iter().flat_map(|span| span.attributes.into_iter());
    let mut seen: BTreeSet<String> = attributes.map(|(name, _)| name).collect();
    for metric in collector.metrics() {
        seen.insert(metric.name);
        seen.extend(metric.attributes);
    }
    let listed = CONVENTIONAL.iter().chain(&OWN).map(|name| (*name).to_owned());
    assert_eq!(seen, listed.collect(), "names that are exported, names that are listed");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_exported_metrics_are_those_of_the_list(pool: PgPool) {
    let printed = run(&set(&[]), &["metrics"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let list: Vec<Value> = serde_json::from_str(&printed.stdout).unwrap();
    let collector = Collector::start(HTTP).await;
    use_everything(&pool, &collector).await;

    let mut exported: BTreeMap<String, (Value, BTreeSet<String>)> = BTreeMap::new();
    for Metric { name, kind, unit, description, attributes, .. } in collector.metrics() {
        let metric = json!({"type": kind, "unit": unit, "meaning": description});
        exported.entry(name).or_insert((metric, BTreeSet::new())).1.extend(attributes);
    }
    // The SDK counts the log lines that it exports.
    assert!(exported.remove(metric::OTEL_SDK_LOG_CREATED).is_some());
    let listed = list.iter().map(|row| {
        let metric = json!({"type": row["type"], "unit": row["unit"], "meaning": row["meaning"]});
        let attributes = row["attributes"].as_array().unwrap().iter();
        let attributes = attributes.map(|name| name.as_str().unwrap().to_owned()).collect();
        (row["name"].as_str().unwrap().to_owned(), (metric, attributes))
    });
    let mut listed: BTreeMap<_, _> = listed.collect();
    // Only an instance with a standby exports it, and has no leases: see tests/api/replica.rs.
    assert!(listed.remove("films.replica.lag").is_some());
    assert_eq!(exported, listed);
}

//! Limits of spans.

use serde_json::json;
use sqlx::PgPool;

use super::batches::{one_batch, paths};
use super::instances::{SPAN, spawn, start};
use crate::support::collector::{Collector, GRPC};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_span_has_no_more_attributes_than_the_limit(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")]).await;
    films.get("/films/995/").await;
    let span = collector.server_span().await;
    assert_eq!(span.attributes.len(), 3, "{span:#?}");
}

/// A log line is an event of the span that it was written in.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_span_has_no_more_events_than_the_limit(pool: PgPool) {
    for (limit, expected) in [("128", 1), ("0", 0)] {
        let collector = Collector::start(GRPC).await;
        let limit = [("OTEL_SPAN_EVENT_COUNT_LIMIT", limit), ("FILMS__LOG__SLOW_REQUEST", "0s")];
        let films = spawn(&pool, &[&collector.variables(), limit.as_slice()].concat()).await;
        // An instance is ready only if the column is there.
        sqlx::query("alter table film rename column title to name").execute(&pool).await.unwrap();
        films.get("/films/1/").await.problem(500, "internal");
        sqlx::query("alter table film rename column name to title").execute(&pool).await.unwrap();
        let span = collector.server_span().await;
        assert_eq!(span.events.len(), expected, "{limit:?}: {span:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_span_has_no_more_links_than_the_limit(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let limit = [("OTEL_SPAN_LINK_COUNT_LIMIT", "2")];
    let sampled = |position| format!("00-{:032x}-{SPAN}-01", position + 1);
    let (_films, query) = one_batch(&pool, &collector, &limit, &paths(1..=5), sampled).await;
    assert_eq!(query.links.len(), 2, "{query:#?}");
    query.assert_attributes(&json!({"db.operation.batch.size": 5}));
}

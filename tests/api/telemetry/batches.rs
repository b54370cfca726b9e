//! A query that many requests share.

use futures_util::future::{join, join_all};
use serde_json::json;
use sqlx::PgPool;

use super::instances::{SPAN, TRACE, get_traced, start};
use crate::support::Films;
use crate::support::collector::{Collector, GRPC, Span, SpanKind};
use crate::support::database::{lock_table, until_blocked};

/// Sends requests so that they are one batch, in this order: another query holds the only connection
/// until all are queued. Returns the span of the batch's query.
pub(super) async fn one_batch(
    pool: &PgPool,
    collector: &Collector,
    more: &[(&str, &str)],
    paths: &[String],
    traceparent: impl Fn(usize) -> String,
) -> (Films, Span) {
    // Each thread has its own batches.
    let one_batch = [("FILMS__HTTP__THREADS", "1"), ("FILMS__DATABASE__POOL_SIZE", "1")];
    let films = start(pool, collector, &[&one_batch, more].concat()).await;
    let lock = lock_table(pool, "film").await;
    let unsampled = format!("00-{TRACE}-{SPAN}-00");
    let first = get_traced(&films, "/films/999/", &unsampled);
    let others = async {
        until_blocked(pool).await;
        let requests = join_all(paths.iter().enumerate().map(async |(position, path)| {
            films.until_queued("get_film", position).await;
            get_traced(&films, path, &traceparent(position)).await
        }));
        let release = async {
            films.until_queued("get_film", paths.len()).await;
            lock.rollback().await.unwrap();
        };
        join(requests, release).await.0
    };
    let (first, others) = join(first, others).await;
    assert!(first.status == 200 && others.iter().all(|response| response.status == 200), "{others:#?}");
    let size = json!(paths.len());
    let is_batch = |span: &Span| span.attributes.get("db.operation.batch.size") == Some(&size);
    let query = collector.span(is_batch).await;
    (films, query)
}

pub(super) fn paths(ids: impl Iterator<Item = i32>) -> Vec<String> {
    ids.map(|id| format!("/films/{id}/")).collect()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_and_their_shared_query_are_linked(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let paths = paths(1..=10);
    let sampled = |position| format!("00-{:032x}-{SPAN}-01", position + 1);
    let (films, query) = one_batch(&pool, &collector, &[], &paths, sampled).await;
    // Every span has been exported when the instance has stopped.
    films.stop().await;

    let spans = collector.spans();
    let mut children = 0;
    for path in paths {
        let is_wanted =
            |span: &Span| span.kind == SpanKind::Server && span.attributes["url.path"] == path.as_str();
        let request = collector.span(is_wanted).await;
        if query.descends_from(&request, &spans) {
            children += 1;
        } else {
            assert!(query.links.contains(&request.ids()), "{path} is not linked from {query:#?}");
            let links_back =
                |span: &&Span| span.trace_id == request.trace_id && span.links.contains(&query.ids());
            assert!(spans.iter().any(|span| links_back(&span)), "{path} has no link to its query");
        }
    }
    assert_eq!((children, query.links.len()), (1, 9));
    assert_eq!(spans.iter().filter(|span| span.kind == SpanKind::Client).count(), 1);
}

/// If few requests are sampled, the first of a batch is most often not one of them.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_sampled_request_shows_its_query_at_any_position_in_the_batch(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let only_the_third =
        |position| format!("00-{:032x}-{SPAN}-{:02x}", position + 1, u8::from(position == 2));
    let (films, query) = one_batch(&pool, &collector, &[], &paths(1..=4), only_the_third).await;
    films.stop().await;
    let request = collector.server_span().await;
    request.assert_attributes(&json!({"url.path": "/films/3/"}));
    let spans = collector.spans();
    assert!(query.descends_from(&request, &spans) || query.links.contains(&request.ids()), "{spans:#?}");
}

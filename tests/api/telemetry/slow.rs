//! The log line of a slow request.

use futures_util::future::join;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::batches::{one_batch, paths};
use super::instances::{SPAN, spawn, start};
use crate::support::Films;
use crate::support::collector::{Collector, GRPC};
use crate::support::database::lock_table;
use crate::support::http::REVIEW;

/// With this setting, every request is slow.
const ANY: (&str, &str) = ("FILMS__LOG__SLOW_REQUEST", "1us");

fn is_slow(line: &Value) -> bool {
    line["message"] == "slow request"
}

fn number(line: &Value, field: &str) -> f64 {
    line[field].as_f64().unwrap_or_else(|| panic!("no {field} in {line:#}"))
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_request_says_where_its_time_went(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let sampled = |position| format!("00-{:032x}-{SPAN}-01", position + 1);
    let (films, _) = one_batch(&pool, &collector, &[ANY], &paths(1..=3), sampled).await;
    for (position, path) in paths(1..=3).iter().enumerate() {
        let line = films.until_logged(|line| is_slow(line) && line["path"] == path.as_str()).await;
        let (expected, trace_id) =
            (json!(["WARN", "GET", "/films/{film_id}/", 200, 3]), format!("{:032x}", position + 1));
        let fields = ["level", "method", "route", "status", "batch_size"].map(|field| &line[field]);
        assert_eq!(json!(fields), expected, "{line:#}");
        assert_eq!(line["trace_id"], trace_id, "{line:#}");
        let (wait, query) = (number(&line, "batch_wait_ms"), number(&line, "query_ms"));
        assert!(wait > 0.0 && query > 0.0, "{line:#}");
        assert!(wait + query <= number(&line, "duration_ms"), "{line:#}");
    }
}

/// The first attempt leaves the review of a locked film out. The line has the times of all attempts.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_times_of_all_attempts_are_added_up(pool: PgPool) {
    let films = Films::start_with(&pool, &[ANY]).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("select from film where film_id = 995 for update").execute(&mut *lock).await.unwrap();
    let release = async {
        films.until_batches("create_review", 2).await;
        lock.rollback().await.unwrap();
    };
    let (response, ()) = join(films.post("/reviews/", REVIEW), release).await;
    assert_eq!(response.status, 200, "{response:?}");
    let line = films.until_logged(is_slow).await;
    assert_eq!((&line["route"], &line["batch_size"]), (&json!("/reviews/"), &json!(1)), "{line:#}");
    // The first attempt waited 25 ms for the lock, the last for none.
    assert!(number(&line, "query_ms") > 25.0, "{line:#}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_that_ends_before_its_batch_says_since_when_it_waits(pool: PgPool) {
    let limits = [("FILMS__HTTP__BODY_TIMEOUT", "500ms"), ("FILMS__HTTP__REQUEST_TIMEOUT", "1s"), ANY];
    let films = Films::start_with(&pool, &limits).await;
    let lock = lock_table(&pool, "film").await;
    films.until_status("/films/7/", 504).await;
    let line = films.until_logged(|line| is_slow(line) && line["status"] == 504).await;
    let unfinished = number(&line, "batch_unfinished_ms");
    assert!(unfinished > 0.0 && unfinished <= number(&line, "duration_ms"), "{line:#}");
    assert_eq!(line.get("batch_size"), None, "{line:#}");
    lock.rollback().await.unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_request_without_a_batch_has_no_times_of_one(pool: PgPool) {
    let films = spawn(&pool, &[ANY]).await;
    films.get("/nowhere/").await;
    let line = films.until_logged(is_slow).await;
    assert_eq!((&line["status"], line.get("route")), (&json!(404), None), "{line:#}");
    for field in ["batch_wait_ms", "batch_size", "query_ms", "batch_unfinished_ms", "trace_id"] {
        assert_eq!(line.get(field), None, "{line:#}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_fast_request_writes_no_line(pool: PgPool) {
    // Zero turns the lines off.
    for threshold in ["30days", "0s"] {
        let films = spawn(&pool, &[("FILMS__LOG__SLOW_REQUEST", threshold)]).await;
        films.get("/films/").await;
        let log = films.stop().await;
        assert!(!log.iter().any(is_slow), "{threshold}: {log:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_line_of_a_slow_request_is_exported(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[ANY]).await;
    films.get("/films/995/").await;
    let (log, span) = (collector.log("slow request").await, collector.server_span().await);
    assert_eq!((&log.trace_id, &log.span_id), (&span.trace_id, &span.id));
    assert_eq!(log.attributes["route"], "/films/{film_id}/");
}

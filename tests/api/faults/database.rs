//! The faults of the connections to Postgres.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;

use super::*;
use crate::support::database::{connections, lock_table, until_blocked, until_disconnected};
use crate::support::http::REVIEW;

const POOLS: [&str; 2] =
    ["db_client_connection_pool_name=\"database\"", "db_client_connection_pool_name=\"replica\""];

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_exhausted_pool_holds_all_connections_of_both_pools(pool: PgPool) {
    let replica = pool.connect_options().to_url_lossy();
    let limits = [("FILMS__DATABASE__POOL_SIZE", "3"), ("FILMS__DATABASE__READ_URL", replica.as_str())];
    let faulty = Faulty::start_with(&pool, &limits).await;
    faulty.inject("exhausted_pool", r#"{"seconds":600}"#).await;
    for pool in POOLS {
        faulty
            .until_sample("db_client_connection_count", &[pool, "db_client_connection_state=\"used\""], "3")
            .await;
    }
    let requests =
        async { tokio::join!(faulty.films.get("/films/995/"), faulty.films.post("/reviews/", REVIEW)) };
    let end = async {
        for method in ["GET", "POST"] {
            let method = format!("http_request_method=\"{method}\"");
            faulty.until_sample("http_server_active_requests", &[&method], "1").await;
        }
        // A busy database is not an unreachable one.
        assert_eq!(faulty.films.admin("/readyz").await.status, 200);
        faulty.end("exhausted_pool").await;
    };
    let ((read, write), ()) = tokio::join!(requests, end);
    assert_eq!((read.status, write.status), (200, 200));

    faulty.inject("exhausted_pool", r#"{"seconds":1}"#).await;
    assert_eq!(faulty.films.post("/reviews/", REVIEW).await.status, 200);
    faulty.until_over("exhausted_pool").await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_exhausted_pool_fails_requests_that_cannot_wait(pool: PgPool) {
    let limits = [("FILMS__HTTP__REQUEST_TIMEOUT", "2s"), ("FILMS__HTTP__BODY_TIMEOUT", "1s")];
    let faulty = Faulty::start_with(&pool, &limits).await;
    faulty.inject("exhausted_pool", r#"{"seconds":600}"#).await;
    let used = [POOLS[0], "db_client_connection_state=\"used\""];
    faulty.until_sample("db_client_connection_count", &used, "20").await;
    faulty.films.post("/reviews/", REVIEW).await.problem(504, "timeout");
    faulty.end("exhausted_pool").await;
    faulty.films.until_posted(200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_query_delays_reads_and_reviews_until_its_end(pool: PgPool) {
    let faulty = Faulty::start_with(&pool, &[("FILMS__DATABASE__LEASES", "false")]).await;
    faulty.inject("slow_query", r#"{"seconds":600,"milliseconds":300}"#).await;
    let since = Instant::now();
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);
    assert!(since.elapsed() >= Duration::from_millis(300), "{:?}", since.elapsed());
    let since = Instant::now();
    assert_eq!(faulty.films.post("/reviews/", REVIEW).await.status, 200);
    assert!(since.elapsed() >= Duration::from_millis(300), "{:?}", since.elapsed());

    // The query waits for the end of the fault, not for its timeout.
    faulty.inject("slow_query", r#"{"seconds":1,"milliseconds":60000}"#).await;
    assert_eq!(faulty.films.post("/reviews/", REVIEW).await.status, 200);
    faulty.until_over("slow_query").await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_query_that_is_too_slow_is_a_timeout(pool: PgPool) {
    let faulty = Faulty::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "1s")]).await;
    faulty.inject("slow_query", r#"{"seconds":600,"milliseconds":60000}"#).await;
    faulty.films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
    let failures = ["query=\"create_review\"", "error_type=\"query_timeout\""];
    faulty.films.admin("/metrics").await.assert_sample("films_query_failures_total", &failures, 1);
    faulty.end("slow_query").await;
    faulty.films.until_posted(200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn cut_connections_make_postgres_unreachable_until_the_end(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    assert!(connections(&pool).await > 0);
    faulty.inject("cut_connections", r#"{"seconds":600}"#).await;
    until_disconnected(&pool).await;
    let down = faulty.films.until_readiness(|response| response.json()["database"] == "down").await;
    assert_eq!(down.status, 503);
    assert!(
        down.json()["reason"].as_str().unwrap().contains("the fault cut_connections is injected"),
        "{down:?}"
    );
    faulty.until_sample("films_database_reachable", &[POOLS[0]], "0").await;
    faulty.films.until_status("/films/995/", 503).await;
    faulty.films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
    assert_eq!(connections(&pool).await, 0);

    faulty.inject("cut_connections", r#"{"seconds":1}"#).await;
    faulty.until_over("cut_connections").await;
    faulty.films.until_ready().await;
    faulty.until_sample("films_database_reachable", &[POOLS[0]], "1").await;
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);
    assert_eq!(faulty.films.post("/reviews/", REVIEW).await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn cut_connections_end_the_queries_under_way(pool: PgPool) {
    let faulty = Faulty::start_with(&pool, &[("FILMS__DATABASE__LEASES", "false")]).await;
    let lock = lock_table(&pool, "film").await;
    let cut = async {
        until_blocked(&pool).await;
        faulty.inject("cut_connections", r#"{"seconds":600}"#).await;
    };
    let (response, ()) = tokio::join!(faulty.films.get("/films/995/"), cut);
    response.problem(503, "unavailable");
    lock.rollback().await.unwrap();
    until_disconnected(&pool).await;
}

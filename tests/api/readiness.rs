//! The response of `/readyz` in each state, and of requests meanwhile.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::time::sleep;

use crate::support::database::{connections, lock_table, until_blocked, until_disconnected};
use crate::support::http::REVIEW;
use crate::support::proxy::Proxy;
use crate::support::{Films, run, set, until, variables};

/// A response within this time did not wait for one of the timeouts, which are 30 s and more.
const SOON: Duration = Duration::from_secs(20);

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_started_instance_is_alive_and_ready(pool: PgPool) {
    let films = Films::start(&pool).await;
    let alive = films.admin("/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (200, r#"{"status":"alive"}"#));
    let ready = films.admin("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready","database":"up"}"#));
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[sqlx::test(migrations = false)]
async fn an_outdated_schema_makes_the_instance_unready(pool: PgPool) {
    let films = Films::spawn(&variables(&pool)).await;
    let unready = films.until_readiness(|response| response.json()["database"] == "behind").await;
    assert_eq!(unready.status, 503);
    assert!(unready.json()["reason"].as_str().unwrap().contains("films migrate"), "{unready:?}");
    films.get("/films/").await.problem(503, "unavailable");

    assert_eq!(run(&variables(&pool), &["migrate"]).await.code, Some(0));
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.body, "{}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_missing_or_disabled_trigger_makes_the_instance_unready(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (off, on) in [
        ("alter table film disable trigger film_changed", "alter table film enable trigger film_changed"),
        ("alter table film disable trigger all", "alter table film enable trigger all"),
        (
            "drop trigger film_truncated on film",
            "create trigger film_truncated after truncate on film
             for each statement execute function film_changed()",
        ),
    ] {
        sqlx::query(off).execute(&pool).await.unwrap();
        let unready = films.until_readiness(|response| response.json()["database"] == "untracked").await;
        assert_eq!(unready.status, 503, "{off}");
        assert!(unready.json()["reason"].as_str().unwrap().contains("migrations/README.md"), "{unready:?}");
        sqlx::query(on).execute(&pool).await.unwrap();
        films.until_ready().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unreachable_database_makes_the_instance_unready(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    proxy.cut();
    let films = Films::spawn(&proxy.variables(&pool)).await;
    let unready = films.until_readiness(|response| response.json()["database"] == "down").await;
    assert_eq!(unready.status, 503);
    let reason = unready.json()["reason"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("the database is unreachable: "), "{reason}");
    assert_eq!(films.admin("/healthz").await.status, 200);
    films.get("/films/995/").await.problem(503, "unavailable");

    proxy.open();
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_succeed_again_after_a_restart_of_the_database(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let films = Films::spawn(&proxy.variables(&pool)).await;
    films.until_ready().await;
    assert_eq!(films.get("/films/995/").await.status, 200);

    proxy.cut();
    let since = Instant::now();
    // A lease that was granted before the cut is valid for some milliseconds, even after a read that found none.
    films.until_status("/films/995/", 503).await.problem(503, "unavailable");
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    films.until_readiness(|response| response.status == 503).await;

    proxy.open();
    films.until_ready().await;
    for _ in 0..20 {
        assert_eq!(films.get("/films/995/").await.status, 200);
        assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_silent_network_does_not_hold_requests(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let mut variables = proxy.variables(&pool);
    variables
        .extend(set(&[("FILMS__DATABASE__QUERY_TIMEOUT", "2s"), ("FILMS__DATABASE__CONNECT_TIMEOUT", "2s")]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;

    proxy.silence();
    let since = Instant::now();
    films.get("/films/995/").await.problem(503, "unavailable");
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    films.until_readiness(|response| response.json()["database"] == "down").await;

    proxy.open();
    films.until_ready().await;
    films.until_status("/films/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_read_succeeds_although_postgres_ended_its_connection(pool: PgPool) {
    // A readiness check in between would notice the ended connections first.
    let films = Films::start_with(&pool, &[("FILMS__READINESS__INTERVAL", "1h")]).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    let ended: i64 = sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = current_database() and application_name = 'films'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(ended > 0);
    until_disconnected(&pool).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unreachable_database_can_leave_the_instance_ready(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let mut variables = proxy.variables(&pool);
    variables.extend(set(&[("FILMS__READINESS__DATABASE", "false")]));
    proxy.cut();
    let films = Films::spawn(&variables).await;
    let ready = films.until_readiness(|response| response.json()["database"] == "down").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ready")));
    films.get("/films/995/").await.problem(503, "unavailable");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_busy_database_leaves_the_instance_ready(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__POOL_SIZE", "1")]).await;
    let lock = lock_table(&pool, "film").await;
    // The request holds the only connection while several checks come due.
    let request = films.get("/films/995/");
    let watch = async {
        until_blocked(&pool).await;
        for _ in 0..10 {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(films.admin("/readyz").await.status, 200);
        }
        lock.rollback().await.unwrap();
    };
    let (response, ()) = tokio::join!(request, watch);
    assert_eq!(response.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_pool_size_limits_the_connections(pool: PgPool) {
    let limits = [("FILMS__DATABASE__POOL_SIZE", "3"), ("FILMS__DATABASE__MAX_BATCH_SIZE", "1")];
    let films = Films::start_with(&pool, &limits).await;
    let lock = lock_table(&pool, "film").await;
    let requests = join_all((0..30).map(|n| films.get(if n % 2 == 0 { "/films/995/" } else { "/films/" })));
    let watch = async {
        until("every connection is open", async || match connections(&pool).await {
            3.. => Ok(()),
            fewer => Err(fewer),
        })
        .await;
        for _ in 0..10 {
            sleep(Duration::from_millis(50)).await;
            assert_eq!(connections(&pool).await, 3);
        }
        lock.rollback().await.unwrap();
    };
    let (responses, ()) = tokio::join!(requests, watch);
    assert!(responses.iter().all(|response| response.status == 200));
}

//! What `/readyz` says in each state, and how requests fare meanwhile.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::time::sleep;

use crate::support::proxy::Proxy;
use crate::support::{Films, run, set, variables};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn alive_and_ready(pool: PgPool) {
    let films = Films::start(&pool).await;
    let alive = films.admin("/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (200, r#"{"status":"alive"}"#));
    let ready = films.admin("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"status":"ready","database":"up"}"#));
    assert_eq!(ready.header("cache-control"), "no-store");
}

#[sqlx::test(migrations = false)]
async fn a_schema_that_is_behind_is_not_ready_until_it_is_migrated(pool: PgPool) {
    let films = Films::spawn(&variables(&pool)).await;
    let unready = films.until_readiness(|answer| answer.json()["database"] == "behind").await;
    assert_eq!(unready.status, 503);
    assert!(unready.json()["reason"].as_str().unwrap().contains("films migrate"), "{unready:?}");
    films.get("/films/").await.problem(503, "unavailable");

    assert_eq!(run(&variables(&pool), &["migrate"]).await.code, Some(0));
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.body, "{}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_what_tells_of_changes_it_is_not_ready(pool: PgPool) {
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
        let unready = films.until_readiness(|answer| answer.json()["database"] == "untracked").await;
        assert_eq!(unready.status, 503, "{off}");
        assert!(unready.json()["reason"].as_str().unwrap().contains("migrations/README.md"), "{unready:?}");
        sqlx::query(on).execute(&pool).await.unwrap();
        films.until_ready().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_a_database_it_is_alive_and_becomes_ready_when_there_is_one(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    proxy.cut();
    let films = Films::spawn(&proxy.variables(&pool)).await;
    let unready = films.until_readiness(|answer| answer.json()["database"] == "down").await;
    assert_eq!(unready.status, 503);
    assert_eq!(unready.json()["reason"], "the database is away");
    assert_eq!(films.admin("/healthz").await.status, 200);
    films.get("/films/995/").await.problem(503, "unavailable");

    proxy.open();
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_database_that_is_killed_and_comes_back_is_found_again(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let films = Films::spawn(&proxy.variables(&pool)).await;
    films.until_ready().await;
    assert_eq!(films.get("/films/995/").await.status, 200);

    proxy.cut();
    let since = Instant::now();
    films.get("/films/995/").await.problem(503, "unavailable");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    films.until_readiness(|answer| answer.status == 503).await;

    proxy.open();
    films.until_ready().await;
    for _ in 0..20 {
        assert_eq!(films.get("/films/995/").await.status, 200);
        assert_eq!(films.post("/reviews/", r#"{"film_id":995,"rating":4}"#).await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_network_that_falls_silent_does_not_hold_requests(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let mut variables = proxy.variables(&pool);
    variables.extend(set(&[
        ("FILMS__DATABASE__QUERY_TIMEOUT", "300ms"),
        ("FILMS__DATABASE__CONNECT_TIMEOUT", "300ms"),
    ]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;

    proxy.silence();
    let since = Instant::now();
    films.get("/films/995/").await.problem(503, "unavailable");
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    films.until_readiness(|answer| answer.json()["database"] == "down").await;

    proxy.cut();
    proxy.open();
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_connection_that_postgres_ends_costs_a_read_nothing(pool: PgPool) {
    // No check in between that would find out first.
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
    // The backends end after the answer.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_database_decides_only_where_it_should(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let mut variables = proxy.variables(&pool);
    variables.extend(set(&[("FILMS__READINESS__DATABASE", "false")]));
    proxy.cut();
    let films = Films::spawn(&variables).await;
    let ready = films.until_readiness(|answer| answer.json()["database"] == "down").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("ready")));
    films.get("/films/995/").await.problem(503, "unavailable");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn busy_is_not_away(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__POOL_SIZE", "1")]).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    // It holds the only connection while several checks come due.
    let request = films.get("/films/995/");
    let watch = async {
        for _ in 0..10 {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(films.admin("/readyz").await.status, 200);
        }
        lock.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(request, watch);
    assert_eq!(answer.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_pool_bounds_what_postgres_sees(pool: PgPool) {
    let limits = [("FILMS__DATABASE__POOL_SIZE", "3"), ("FILMS__DATABASE__MAX_BATCH_SIZE", "1")];
    let films = Films::start_with(&pool, &limits).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let requests =
        futures_util::future::join_all(
            (0..30).map(|id| {
                let films = &films;
                async move {
                    if id % 2 == 0 { films.get("/films/995/").await } else { films.get("/films/").await }
                }
            }),
        );
    let watch = async {
        let connections = "select count(*) from pg_stat_activity
                           where datname = current_database() and application_name = 'films'";
        for _ in 0..10 {
            sleep(Duration::from_millis(50)).await;
            let open: i64 = sqlx::query_scalar(connections).fetch_one(&pool).await.unwrap();
            assert!((1..=3).contains(&open), "{open} connections");
        }
        lock.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(requests, watch);
    assert!(answers.iter().all(|answer| answer.status == 200));
}

//! A database that is slow, unreachable or broken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;

use crate::support::database::{count, lock_table, until_blocked};
use crate::support::http::REVIEW;
use crate::support::unreachable::ClosedPort;
use crate::support::{Films, until, variables};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_response_times_out(pool: PgPool) {
    let limits = [("FILMS__HTTP__REQUEST_TIMEOUT", "300ms"), ("FILMS__HTTP__BODY_TIMEOUT", "200ms")];
    let films = Films::start_with(&pool, &limits).await;
    let lock = lock_table(&pool, "film").await;
    films.get("/films/995/").await.problem(504, "timeout");
    lock.rollback().await.unwrap();
    films.until_status("/films/995/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_query_is_cancelled(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "300ms")]).await;
    let lock = lock_table(&pool, "film").await;
    let response = films.get("/films/995/").await;
    response.problem(503, "unavailable");
    assert_eq!(response.header("retry-after"), "1");
    lock.rollback().await.unwrap();
    films.until_status("/films/995/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_full_queue_refuses_further_requests(pool: PgPool) {
    let limits = [
        // Each thread has its own queue.
        ("FILMS__HTTP__THREADS", "1"),
        ("FILMS__DATABASE__POOL_SIZE", "1"),
        ("FILMS__DATABASE__MAX_BATCH_SIZE", "1"),
        ("FILMS__DATABASE__QUEUE_SIZE", "2"),
    ];
    let films = Films::start_with(&pool, &limits).await;
    let lock = lock_table(&pool, "film").await;
    let first = films.get("/films/995/");
    let others = async {
        until_blocked(&pool).await;
        let responded = AtomicUsize::new(0);
        let requests = join_all((0..9).map(async |_| {
            let response = films.get("/films/995/").await;
            responded.fetch_add(1, Ordering::Relaxed);
            response
        }));
        // Two requests wait in the queue until the lock is released. The other seven are refused before.
        let release = async {
            until("seven refusals", async || match responded.load(Ordering::Relaxed) {
                7.. => Ok(()),
                fewer => Err(fewer),
            })
            .await;
            lock.rollback().await.unwrap();
        };
        tokio::join!(requests, release).0
    };
    let (first, others) = tokio::join!(first, others);

    assert_eq!(first.status, 200, "{first:?}");
    let (refused, served): (Vec<_>, Vec<_>) = others.iter().partition(|response| response.status == 503);
    for response in &refused {
        response.problem(503, "overloaded");
        assert_eq!(response.header("retry-after"), "1");
    }
    assert!(served.iter().all(|response| response.status == 200), "{served:?}");
    assert_eq!((refused.len(), served.len()), (7, 2));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unreachable_database_returns_503_soon(pool: PgPool) {
    let port = ClosedPort::reserve();
    let mut variables = variables(&pool);
    let url = format!("postgres://dvdrental:secret@{}/dvdrental", port.address());
    variables.insert("DATABASE_URL".into(), url);
    let films = Films::spawn(&variables).await;
    let since = Instant::now();
    for response in
        [films.get("/films/").await, films.get("/films/995/").await, films.post("/reviews/", REVIEW).await]
    {
        response.problem(503, "unavailable");
        assert_eq!(response.header("retry-after"), "1");
        for internal in ["127.0.0.1", "refused", "postgres", "dvdrental", "secret"] {
            assert!(!response.body.contains(internal), "{response:?}");
        }
    }
    // Sooner than the timeouts, which are 30 s and more.
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_internal_error_reveals_nothing_and_is_logged_once(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table film rename column title to name").execute(&pool).await.unwrap();
    let response = films.get("/films/995/").await;
    assert_eq!(response.problem(500, "internal"), "");
    assert!(!response.body.contains("column"), "{response:?}");
    let log = films.stop().await;
    let failures: Vec<_> = log.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(failures.len(), 1, "{log:#?}");
    assert!(failures[0]["error"].as_str().unwrap().contains("title"), "{failures:?}");
    assert_eq!(
        (failures[0]["status"].as_u64(), failures[0]["path"].as_str()),
        (Some(500), Some("/films/995/"))
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_constraint_fails_only_the_reviews_that_violate_it(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table review add constraint kind check (rating > 2)").execute(&pool).await.unwrap();
    // The lock holds the first review, so that the others are queued and share a statement.
    let lock = lock_table(&pool, "review").await;
    let first = films.post("/reviews/", r#"{"film_id":995,"rating":5}"#);
    let others = async {
        until_blocked(&pool).await;
        let reviews = join_all((0..40).map(async |n| {
            let film_id = if n % 4 == 3 { 5000 } else { 995 };
            let body = format!(r#"{{"film_id":{film_id},"rating":{}}}"#, n % 5 + 1);
            (n, films.post("/reviews/", &body).await)
        }));
        let release = async {
            films.until_queued("create_review", 40).await;
            lock.rollback().await.unwrap();
        };
        tokio::join!(reviews, release).0
    };
    let (first, others) = tokio::join!(first, others);

    assert_eq!(first.status, 200, "{first:?}");
    let mut accepted = 1;
    for (n, response) in others {
        match (n % 4 == 3, n % 5 + 1 > 2) {
            (true, _) => drop(response.problem(422, "unknown-film")),
            (false, false) => drop(response.problem(422, "invalid-review")),
            (false, true) => {
                assert_eq!(response.status, 200, "{response:?}");
                accepted += 1;
            }
        }
    }
    assert_eq!(count(&pool, "review").await, accepted);
    let metrics = films.admin("/metrics").await.body;
    assert!(metrics.contains("http_response_status_code=\"422\""), "{metrics}");
    assert!(!metrics.contains("error_type=\"invalid-review\""), "{metrics}");
}

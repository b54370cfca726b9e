//! A second request with a key.

use sqlx::PgPool;

use crate::support::database::{count, lock_table, until_blocked};
use crate::support::http::{REVIEW, Response};
use crate::support::{Films, run, set, variables};

fn is_replayed(response: &Response) -> bool {
    response.header("idempotent-replayed") == "true"
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_retry_gets_the_first_response_again_and_stores_no_second_review(pool: PgPool) {
    for max_batch_size in ["256", "1"] {
        let settings = [("FILMS__DATABASE__MAX_BATCH_SIZE", max_batch_size)];
        let films = Films::start_with(&pool, &settings).await;
        let key = format!("batches-of-{max_batch_size}");
        let before = count(&pool, "review").await;
        let first = films.post_keyed(&key, REVIEW).await;
        assert_eq!((first.status, is_replayed(&first)), (200, false));
        films.stop().await;

        // Any instance knows the key, also one that starts later.
        let films = Films::start_with(&pool, &settings).await;
        for _ in 0..3 {
            let retry = films.post_keyed(&key, REVIEW).await;
            assert_eq!((retry.status, &retry.body, is_replayed(&retry)), (200, &first.body, true));
        }
        assert_eq!(count(&pool, "review").await, before + 1);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_key_is_the_same_with_and_without_quotes(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert!(!is_replayed(&films.post_keyed("a-key", REVIEW).await));
    assert!(is_replayed(&films.post_keyed(r#""a-key""#, REVIEW).await));
    // JSON of the same meaning is the same review.
    assert!(is_replayed(&films.post_keyed("a-key", r#"{ "rating": 4.0, "film_id": 995 }"#).await));
    assert!(!is_replayed(&films.post_keyed("A-key", REVIEW).await));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn another_review_under_the_same_key_is_refused(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.post_keyed("k", REVIEW).await.status, 200);
    for other in
        [r#"{"film_id":995,"rating":5}"#, r#"{"film_id":994,"rating":4}"#, r#"{"film_id":5000,"rating":4}"#]
    {
        films.post_keyed("k", other).await.problem(422, "idempotency-key-reused");
    }
    assert_eq!(count(&pool, "review").await, 1);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_refused_review_leaves_its_key_unused(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table review add constraint kind check (rating > 2)").execute(&pool).await.unwrap();
    films.post_keyed("k", r#"{"film_id":5000,"rating":4}"#).await.problem(422, "unknown-film");
    films.post_keyed("k", r#"{"film_id":995,"rating":6}"#).await.problem(422, "invalid-review");
    films.post_keyed("k", r#"{"film_id":995,"rating":1}"#).await.problem(422, "invalid-review");
    assert_eq!((count(&pool, "idempotency_key").await, count(&pool, "review").await), (0, 0));
    assert_eq!(films.post_keyed("k", REVIEW).await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_a_key_every_request_stores_a_review(pool: PgPool) {
    let films = Films::start(&pool).await;
    for _ in 0..2 {
        assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    }
    assert_eq!((count(&pool, "review").await, count(&pool, "idempotency_key").await), (2, 0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_retry_after_a_503_gets_the_review_that_was_stored_meanwhile(pool: PgPool) {
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let mut variables = variables(&pool);
    // Postgres goes on with a query for longer than the service waits for it.
    let url = format!("{}&options=-c%20statement_timeout%3D30s", variables["DATABASE_URL"]);
    variables.extend(set(&[
        ("DATABASE_URL", &url),
        ("FILMS__DATABASE__POOL_SIZE", "1"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "500ms"),
    ]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    // The statement is prepared on the only connection.
    films.until_posted_keyed("first").await;
    let lock = lock_table(&pool, "review").await;
    films.post_keyed("k", REVIEW).await.problem(503, "unavailable");
    until_blocked(&pool).await;
    lock.rollback().await.unwrap();
    let retry = films.until_posted_keyed("k").await;
    assert!(is_replayed(&retry), "{retry:?}");
    assert_eq!(count(&pool, "review").await, 2);
}

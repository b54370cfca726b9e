//! Requests with one key at the same time, and keys among other reviews.

use futures_util::future::join_all;
use sqlx::PgPool;

use crate::support::Films;
use crate::support::database::count;
use crate::support::http::REVIEW;

/// Takes the lock that the service takes for the key `held`.
const LOCK: &str = "select pg_advisory_xact_lock(1919252075, hashtext('held'))";

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn concurrent_requests_with_one_key_store_one_review(pool: PgPool) {
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let responses = join_all(
        (0..200).map(async |n| instances[n % 2].post_keyed(&format!("key-{}", n % 10), REVIEW).await),
    )
    .await;
    assert!(responses.iter().all(|response| response.status == 200), "{responses:?}");
    let replayed = responses.iter().filter(|response| response.header("idempotent-replayed") == "true");
    assert_eq!((replayed.count(), count(&pool, "review").await), (190, 10));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn reviews_with_and_without_keys_share_a_batch(pool: PgPool) {
    let films = Films::start(&pool).await;
    let responses = join_all((0..100).map(async |n| {
        let body = format!(r#"{{"film_id":{},"rating":4}}"#, if n % 10 == 9 { 5000 } else { n + 1 });
        match n % 2 {
            0 => (200, films.post("/reviews/", &body).await),
            _ if n % 10 == 9 => (422, films.post_keyed(&n.to_string(), &body).await),
            _ => (200, films.post_keyed(&n.to_string(), &body).await),
        }
    }))
    .await;
    for (status, response) in responses {
        assert_eq!(response.status, status, "{response:?}");
    }
    assert_eq!((count(&pool, "review").await, count(&pool, "idempotency_key").await), (90, 40));
    let page = films.admin("/metrics").await;
    let batches = page.sample("batch_size_count", &["query=\"create_review\""]).unwrap();
    assert!(batches.parse::<u32>().unwrap() < 100, "no batch had two reviews");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_whose_key_is_in_use_waits_and_others_do_not(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut other = pool.begin().await.unwrap();
    sqlx::query(LOCK).execute(&mut *other).await.unwrap();
    let others = async {
        films.until_batches("create_review", 1).await;
        for n in 0..20 {
            assert_eq!(films.post_keyed(&n.to_string(), REVIEW).await.status, 200);
            assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
        }
        // Only the other reviews are stored while the key is in use.
        assert_eq!(count(&pool, "review").await, 40);
        other.rollback().await.unwrap();
    };
    let (waited, ()) = tokio::join!(films.post_keyed("held", REVIEW), others);
    assert_eq!((waited.status, count(&pool, "review").await), (200, 41));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_waits_for_its_key_no_longer_than_a_query(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "1s")]).await;
    let mut other = pool.begin().await.unwrap();
    sqlx::query(LOCK).execute(&mut *other).await.unwrap();
    let response = films.post_keyed("held", REVIEW).await;
    let detail = response.problem(409, "idempotency-key-in-use");
    assert_eq!(detail, "the other request has not ended within 1s; retry with the same key");
    assert_eq!(response.header("retry-after"), "1");
    other.rollback().await.unwrap();
    assert_eq!(films.post_keyed("held", REVIEW).await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_locked_film_holds_up_only_its_own_keyed_reviews(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("select from film where film_id = 7 for update").execute(&mut *lock).await.unwrap();
    let others = async {
        films.until_batches("create_review", 1).await;
        for n in 0..20 {
            assert_eq!(films.post_keyed(&n.to_string(), REVIEW).await.status, 200);
        }
        assert_eq!(count(&pool, "review").await, 20);
        lock.rollback().await.unwrap();
    };
    let waiting = films.post_keyed("locked", r#"{"film_id":7,"rating":5}"#);
    let (waited, ()) = tokio::join!(waiting, others);
    assert_eq!((waited.status, count(&pool, "review").await), (200, 21));
}

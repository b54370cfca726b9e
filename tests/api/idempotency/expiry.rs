//! Keys are stored for a limited time, and their number is limited.

use futures_util::future::join_all;
use sqlx::PgPool;

use crate::support::database::count;
use crate::support::http::REVIEW;
use crate::support::{Films, until};

async fn until_keys(pool: &PgPool, expected: i64) {
    until("fewer keys", async || match count(pool, "idempotency_key").await {
        keys if keys <= expected => Ok(()),
        keys => Err(keys),
    })
    .await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_key_that_is_older_than_the_ttl_is_deleted_and_its_review_stays(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__REVIEWS__IDEMPOTENCY_TTL", "1s")]).await;
    // More than one call deletes.
    insert_old_keys(&pool, 2500, "2 seconds").await;
    assert_eq!(films.post_keyed("k", REVIEW).await.status, 200);
    until_keys(&pool, 0).await;
    assert_eq!(films.post_keyed("k", REVIEW).await.header("idempotent-replayed"), "");
    assert_eq!(count(&pool, "review").await, 2);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_oldest_keys_make_room_for_new_ones(pool: PgPool) {
    insert_old_keys(&pool, 3000, "10 seconds").await;
    let settings =
        [("FILMS__REVIEWS__IDEMPOTENCY_KEYS", "1000"), ("FILMS__REVIEWS__IDEMPOTENCY_TTL", "100s")];
    let films = Films::start_with(&pool, &settings).await;
    let new = join_all((0..50).map(async |n| films.post_keyed(&format!("new-{n}"), REVIEW).await)).await;
    assert!(new.iter().all(|response| response.status == 200), "{new:?}");
    until_keys(&pool, 1000).await;
    let retries = join_all((0..50).map(async |n| films.post_keyed(&format!("new-{n}"), REVIEW).await)).await;
    assert!(retries.iter().all(|response| response.header("idempotent-replayed") == "true"), "{retries:?}");
}

/// Inserts keys as if they had been used this long ago.
async fn insert_old_keys(pool: &PgPool, keys: i32, age: &str) {
    sqlx::query(
        "insert into idempotency_key (key, created_at, film_id, rating)
         select 'old-' || n, now() - $2::text::interval, 1, 1 from generate_series(1, $1) n",
    )
    .bind(keys)
    .bind(age)
    .execute(pool)
    .await
    .unwrap();
}

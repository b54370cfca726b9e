//! Which connections of the pool a thread uses.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::database::connections;

/// Returns the connections of an instance that has checked the database once, on the main thread, and then served
/// requests on its only worker thread.
async fn opened(pool: &PgPool, pool_size: &str) -> i64 {
    let settings = [
        ("FILMS__DATABASE__POOL_SIZE", pool_size),
        ("FILMS__DATABASE__LEASES", "false"),
        ("FILMS__HTTP__THREADS", "1"),
        ("FILMS__READINESS__INTERVAL", "1h"),
    ];
    let films = Films::start_with(pool, &settings).await;
    for film_id in 1..6 {
        assert_eq!(films.get(&format!("/films/{film_id}/")).await.status, 200);
    }
    connections(pool).await
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_thread_opens_a_connection_of_its_own(pool: PgPool) {
    assert_eq!(opened(&pool, "5").await, 2);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_room_in_the_pool_threads_share_a_connection(pool: PgPool) {
    assert_eq!(opened(&pool, "1").await, 1);
}

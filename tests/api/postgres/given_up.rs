//! Queries that are given up end at Postgres too.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::Films;
use crate::support::database::{connections, lock_table, until_blocked, until_none_blocked};

/// Each request has a query of its own, which is soon given up.
const LIMITS: [(&str, &str); 3] = [
    ("FILMS__DATABASE__POOL_SIZE", "4"),
    ("FILMS__DATABASE__MAX_BATCH_SIZE", "1"),
    ("FILMS__DATABASE__QUERY_TIMEOUT", "300ms"),
];

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_pool_size_limits_the_backends_although_queries_are_given_up(pool: PgPool) {
    let films = Films::start_with(&pool, &LIMITS).await;
    let lock = lock_table(&pool, "film").await;
    for _ in 0..3 {
        let requests = join_all((0..12).map(|_| films.get("/films/995/")));
        let watch = async {
            for _ in 0..20 {
                sleep(Duration::from_millis(50)).await;
                assert!(connections(&pool).await <= 4);
            }
        };
        let (responses, ()) = tokio::join!(requests, watch);
        for response in responses {
            response.problem(503, "unavailable");
        }
    }
    until_none_blocked(&pool).await;
    lock.rollback().await.unwrap();
    films.until_status("/films/995/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn clients_that_disconnect_leave_no_backends(pool: PgPool) {
    let films = Films::start_with(&pool, &LIMITS).await;
    let lock = lock_table(&pool, "film").await;
    for _ in 0..40 {
        let mut client = TcpStream::connect(films.http).await.unwrap();
        client.write_all(b"GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n").await.unwrap();
        drop(client);
        assert!(connections(&pool).await <= 4);
    }
    until_none_blocked(&pool).await;
    lock.rollback().await.unwrap();
    films.until_status("/films/995/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_query_of_a_killed_instance_ends(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "2s")]).await;
    let _lock = lock_table(&pool, "film").await;
    let mut client = TcpStream::connect(films.http).await.unwrap();
    client.write_all(b"GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n").await.unwrap();
    until_blocked(&pool).await;
    films.signal("KILL");
    until_none_blocked(&pool).await;
}

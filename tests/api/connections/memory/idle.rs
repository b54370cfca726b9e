//! Connections that are open after a request.

use futures_util::future::join_all;
use sqlx::PgPool;

use super::{check, resident, start};
use crate::connections::{get_film, keep_alive};
use crate::support::h2::H2;

/// Twice what a connection takes after a request.
const HTTP1: usize = 40 * 1024;
const HTTP2: usize = 60 * 1024;

async fn http1(pool: &PgPool, clients: usize) {
    let films = start(pool).await;
    let before = resident(&films);
    let mut idle = Vec::new();
    for _ in 0..clients / 100 {
        idle.extend(join_all((0..100).map(|_| keep_alive(&films))).await);
    }
    check(&films, "idle connections with HTTP/1.1", clients, before, HTTP1);
    // All of them are served still.
    let responses = join_all(idle.iter_mut().map(get_film)).await;
    assert_eq!(responses.iter().flatten().count(), clients);
}

async fn http2(pool: &PgPool, clients: usize) {
    let films = start(pool).await;
    let connect = async || {
        let mut client = H2::connect(films.http, 1 << 16).await;
        client.read("/films/995/").await.unwrap();
        client
    };
    let before = resident(&films);
    let mut idle = Vec::new();
    for _ in 0..clients / 100 {
        idle.extend(join_all((0..100).map(|_| connect())).await);
    }
    check(&films, "idle connections with HTTP/2", clients, before, HTTP2);
    let responses = join_all(idle.iter_mut().map(|client| client.read("/films/995/"))).await;
    assert_eq!(responses.iter().flatten().count(), clients);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_idle_connection_takes_little_memory(pool: PgPool) {
    http1(&pool, 2_000).await;
    http2(&pool, 1_000).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "needs 10,000 open files for each side, and prints figures for PERFORMANCE.md"]
async fn ten_thousand_idle_connections_take_little_memory(pool: PgPool) {
    http1(&pool, 10_000).await;
    http2(&pool, 10_000).await;
}

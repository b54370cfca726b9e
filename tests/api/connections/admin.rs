//! The admin port under a flood of connections: probes get their responses, or Kubernetes would end the pod.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::Films;
use crate::support::h2::H2;

/// The default timeout of a Kubernetes probe.
const PROBE: Duration = Duration::from_secs(1);

/// Checks that at least one of three probes gets its response in time. Kubernetes too sends several probes before
/// it acts, and a busy machine may delay some.
async fn assert_alive(films: &Films) {
    let mut times = Vec::new();
    for _ in 0..3 {
        let since = Instant::now();
        assert_eq!(films.admin("/healthz").await.status, 200);
        times.push(since.elapsed());
    }
    assert!(times.iter().any(|time| *time < PROBE), "{times:?}");
}

/// Opens `count` connections and sends `bytes` on each.
async fn open(to: SocketAddr, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    join_all((0..count).map(async |_| {
        let mut stream = TcpStream::connect(to).await.unwrap();
        // The server may have closed the connection already, to make room.
        let _ = stream.write_all(bytes).await;
        stream
    }))
    .await
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn silent_clients_do_not_delay_a_probe(pool: PgPool) {
    let films = Films::start(&pool).await;
    let _silent = open(films.admin, 500, b"").await;
    assert_alive(&films).await;
    let _slow = open(films.admin, 500, b"GET /healthz HTTP/1.1\r\nhost: fi").await;
    assert_alive(&films).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn idle_http2_clients_do_not_delay_a_probe(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut client = H2::connect(films.admin, 1 << 20).await;
        client.read("/healthz").await.unwrap();
        idle.push(client);
    }
    assert_alive(&films).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn clients_that_do_not_read_do_not_delay_a_probe(pool: PgPool) {
    let films = Films::start(&pool).await;
    let scrapes = b"GET /metrics HTTP/1.1\r\nhost: films\r\n\r\n".repeat(300);
    let _unread = open(films.admin, 64, &scrapes).await;
    assert_alive(&films).await;
}

/// The API and the admin port have their own slots.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_flood_of_the_api_does_not_delay_a_probe(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "10")]).await;
    let _silent = open(films.http, 300, b"").await;
    assert_alive(&films).await;
}

//! The worker thread, which many connections share.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{get_film, keep_alive};
use crate::support::Films;
use crate::support::h2::H2;

/// A client that sends requests without a pause takes its share of the thread, and no more.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_greedy_client_does_not_starve_the_others_of_its_thread(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__THREADS", "1")]).await;
    let (mut reader, mut writer) = TcpStream::connect(films.http).await.unwrap().into_split();
    let lists = b"GET /films/ HTTP/1.1\r\nhost: films\r\n\r\n".repeat(100);
    let pipelining = tokio::spawn(async move { while writer.write_all(&lists).await.is_ok() {} });
    let reading = tokio::spawn(async move {
        let mut buffer = vec![0; 1 << 20];
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let mut multiplexing = H2::connect(films.http, 1 << 20).await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(multiplexing.get("/films/").await.unwrap());
    }
    let mut other = keep_alive(&films).await;
    let mut times = Vec::new();
    for _ in 0..20 {
        let since = Instant::now();
        get_film(&mut other).await.expect("a response");
        times.push(since.elapsed());
    }
    times.sort();
    // The median: a busy machine may delay a few.
    assert!(times[times.len() / 2] < Duration::from_secs(1), "{times:?}");
    assert!(!pipelining.is_finished() && !reading.is_finished(), "the greedy client has stopped");
    pipelining.abort();
    reading.abort();
}

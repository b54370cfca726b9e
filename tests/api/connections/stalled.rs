//! Clients that do not read their responses.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::h2::H2;
use crate::support::{Films, until};

const GET_LIST: &[u8] = b"GET /films/ HTTP/1.1\r\nhost: films\r\n\r\n";
/// Responses to as many lists fill every buffer of a socket.
const LISTS: usize = 400;

/// Opens a connection, requests many lists and reads none.
async fn stall(films: &Films) -> TcpStream {
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(&GET_LIST.repeat(LISTS)).await.unwrap();
    stream
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_client_that_does_not_read_is_disconnected(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__WRITE_TIMEOUT", "300ms")]).await;
    let mut stream = stall(&films).await;
    until("a reset", async || stream.write_all(b"\r\n").await.err().ok_or("the connection is open")).await;
}

/// The responses wait in the server: the client responds to pings and grants the streams too few bytes.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_http2_client_that_accepts_no_data_is_disconnected(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__WRITE_TIMEOUT", "300ms")]).await;
    for window in [0, 1, 20_000] {
        let mut client = H2::connect(films.http, window).await;
        let _unread = client.get("/films/").await.unwrap();
        let _ = client.ended().await;
    }
}

/// A stream that goes on does not save one that does not.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stalled_stream_ends_its_connection_despite_other_streams(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__WRITE_TIMEOUT", "300ms")]).await;
    let mut client = H2::connect(films.http, 100).await;
    let _unread = client.get("/films/").await.unwrap();
    until("the end of the connection", async || match client.read("/films/995/").await {
        Ok(_) => Err("another response"),
        Err(_) => Ok(()),
    })
    .await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_client_gets_its_whole_response(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__WRITE_TIMEOUT", "3s")]).await;
    let list = films.get("/films/").await.body.len();
    let slow_http1 = async {
        let mut stream = stall(&films).await;
        let (since, mut received) = (Instant::now(), 0);
        let mut buffer = vec![0; 1 << 20];
        // Slow until it has taken longer than the limit, then as fast as it can.
        while received < LISTS * list {
            let read = stream.read(&mut buffer).await.expect("a response");
            assert!(read > 0, "the connection ends after {received} bytes");
            received += read;
            if since.elapsed() < Duration::from_secs(5) {
                sleep(Duration::from_millis(300)).await;
            }
        }
    };
    let slow_http2 = async {
        let mut client = H2::connect(films.http, 4096).await;
        let mut body = client.get("/films/").await.unwrap();
        let mut received = 0;
        while let Some(data) = body.data().await {
            let data = data.expect("the whole response");
            received += data.len();
            sleep(Duration::from_millis(300)).await;
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        assert_eq!(received, list);
    };
    tokio::join!(slow_http1, slow_http2);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn stalled_clients_in_every_slot_lock_nobody_out(pool: PgPool) {
    let limits = [("FILMS__HTTP__MAX_CONNECTIONS", "4"), ("FILMS__HTTP__WRITE_TIMEOUT", "1h")];
    let films = Films::start_with(&pool, &limits).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(stall(&films).await);
    }
    for _ in 0..3 {
        assert_eq!(films.get("/films/995/").await.status, 200);
    }
}

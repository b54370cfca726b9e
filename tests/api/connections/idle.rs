//! Connections without a request, and connections in every slot.

use std::time::Duration;

use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{get_film, keep_alive};
use crate::support::database::{lock_table, until_blocked};
use crate::support::h2::H2;
use crate::support::http::{GET_FILM, POST_REVIEW, read_response};
use crate::support::{Films, TIMEOUT};

const WINDOW: u32 = 1 << 20;

/// Waits until the server has closed the connection.
async fn until_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An error is a reset, which ends the connection too.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut rest)).await.expect("the server closes the connection");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_idle_connection_is_closed(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__HEADER_TIMEOUT", "200ms")]).await;
    until_closed(&mut keep_alive(&films).await).await;
    let mut client = H2::connect(films.http, WINDOW).await;
    client.read("/films/995/").await.unwrap();
    client.ended().await.expect("the server announces the end");
}

/// This client reads nothing, so it hears of no announcement.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_idle_http2_connection_that_ignores_the_announcement_is_closed(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__HEADER_TIMEOUT", "200ms")]).await;
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings].concat()).await.unwrap();
    until_closed(&mut stream).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_full_house_closes_the_longest_idle_connection(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "3")]).await;
    let (mut first, mut second) = (keep_alive(&films).await, keep_alive(&films).await);
    let mut third = keep_alive(&films).await;
    // The order of use counts, not that of opening.
    get_film(&mut first).await.expect("a response");
    let _fourth = keep_alive(&films).await;
    until_closed(&mut second).await;
    for stream in [&mut first, &mut third] {
        get_film(stream).await.expect("a response");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn idle_clients_in_every_slot_lock_nobody_out(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "6")]).await;
    let mut idle = Vec::new();
    for _ in 0..6 {
        let mut client = H2::connect(films.http, WINDOW).await;
        client.read("/films/995/").await.unwrap();
        idle.push(client);
    }
    assert!(idle.iter().all(H2::is_open));
    for _ in 0..3 {
        assert_eq!(films.get("/films/995/").await.status, 200);
    }
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(films.http).await.unwrap());
    }
    for _ in 0..3 {
        assert_eq!(films.get("/films/995/").await.status, 200);
    }
    // The longest idle client is gone. Its GOAWAY is followed by the end at once, so a frame that the client
    // sends meanwhile may find the connection closed.
    let _ = idle.swap_remove(0).ended().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn slow_requests_in_every_slot_lock_nobody_out(pool: PgPool) {
    let limits = [
        ("FILMS__HTTP__MAX_CONNECTIONS", "4"),
        ("FILMS__HTTP__BODY_TIMEOUT", "1h"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "2h"),
    ];
    let films = Films::start_with(&pool, &limits).await;
    for begun in [&GET_FILM[..30], &POST_REVIEW[..POST_REVIEW.len() - 1]] {
        let mut slow = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(films.http).await.unwrap();
            stream.write_all(begun).await.unwrap();
            slow.push(stream);
        }
        for _ in 0..3 {
            assert_eq!(films.get("/films/995/").await.status, 200);
        }
    }
}

/// The service owes these clients their responses.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_full_house_spares_requests_that_wait_for_the_database(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "2")]).await;
    let lock = lock_table(&pool, "film").await;
    let (mut first, mut second) =
        (TcpStream::connect(films.http).await.unwrap(), TcpStream::connect(films.http).await.unwrap());
    for stream in [&mut first, &mut second] {
        stream.write_all(POST_REVIEW).await.unwrap();
    }
    until_blocked(&pool).await;
    let mut newcomer = TcpStream::connect(films.http).await.unwrap();
    newcomer.write_all(GET_FILM).await.unwrap();
    // Well after the time that spares every connection.
    sleep(Duration::from_millis(500)).await;
    lock.rollback().await.unwrap();
    for stream in [&mut first, &mut second, &mut newcomer] {
        let response = read_response(stream).await.expect("a response");
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    }
}

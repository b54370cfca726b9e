//! Clients that do not speak HTTP, or that are too slow.

use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::Films;
use crate::support::http::{raw, read_response};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn malformed_http_is_refused_and_the_next_client_is_served(pool: PgPool) {
    let films = Films::start(&pool).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET /films/ HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /reviews/ HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /reviews/ HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let response = raw(films.http, bytes).await;
        assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    }
    let long = format!("GET /films/ HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1_000_000));
    let response = raw(films.http, long.as_bytes()).await;
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 431"), "{response}");
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_that_does_not_arrive_times_out(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__BODY_TIMEOUT", "200ms")]).await;
    let begun = "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n{";
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(begun.as_bytes()).await.unwrap();
    let response = read_response(&mut stream).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("urn:problem-type:films:body-timeout"), "{response}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_head_that_does_not_arrive_ends_the_connection(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__HEADER_TIMEOUT", "200ms")]).await;
    // `raw` returns when the connection is closed.
    for begun in ["GET /films/ HTTP/1.1\r\nhost: fi", "PRI * HT", ""] {
        let response = raw(films.http, begun.as_bytes()).await;
        assert!(!response.starts_with("HTTP/1.1 200"), "{response}");
    }
}

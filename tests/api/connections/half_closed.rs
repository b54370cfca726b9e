//! Clients that close their side of the connection after the last request (RFC 9112, section 9.6).

use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::database::{count, lock_table, until_blocked};
use crate::support::http::{GET_FILM, POST_REVIEW};
use crate::support::{Films, TIMEOUT};

/// Sends a request, closes the side of the client, and returns everything that the server sends.
async fn send_and_close(films: &Films, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut received = String::new();
    // Ends only when the server closes the connection: a dead client must not keep it.
    timeout(TIMEOUT, stream.read_to_string(&mut received)).await.expect("the end").unwrap();
    received
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_half_closed_client_gets_its_response(pool: PgPool) {
    let films = Films::start(&pool).await;
    for request in [GET_FILM, POST_REVIEW] {
        let lock = lock_table(&pool, "film").await;
        let response = async {
            let received = send_and_close(&films, request).await;
            assert!(received.starts_with("HTTP/1.1 200 "), "{received:?}");
        };
        // The response comes well after the client has closed its side.
        let release = async {
            until_blocked(&pool).await;
            lock.rollback().await.unwrap();
        };
        tokio::join!(response, release);
    }
    assert_eq!(count(&pool, "review").await, 1);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_half_closed_client_without_a_whole_request_is_closed(pool: PgPool) {
    let films = Films::start(&pool).await;
    for begun in [&b""[..], b"GET /films/995/ HTTP/1.1\r\nhost: fi", &POST_REVIEW[..POST_REVIEW.len() - 1]] {
        let received = send_and_close(&films, begun).await;
        assert!(!received.starts_with("HTTP/1.1 200"), "{received}");
    }
    assert_eq!(count(&pool, "review").await, 0);
}

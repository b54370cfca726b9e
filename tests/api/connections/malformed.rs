//! Input that is not quite HTTP.

use std::net::SocketAddr;

use futures_util::future::join_all;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::database::count;
use crate::support::http::{GET_FILM, POST_REVIEW, raw};
use crate::support::{Films, TIMEOUT};

/// Sends bytes, closes the side of the client, and returns what the server sends until it closes too.
async fn exchange(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut received = Vec::new();
    let exchange = async {
        // The server may refuse the request and close the connection before it has read all.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut received).await;
    };
    let ended = timeout(TIMEOUT, exchange).await;
    ended.unwrap_or_else(|_| panic!("no end: {:?}", String::from_utf8_lossy(bytes)));
    String::from_utf8_lossy(&received).into_owned()
}

/// Changes a few bytes of a request at random.
fn mutated(random: &mut TestRng, request: &[u8]) -> Vec<u8> {
    let mut bytes = request.to_vec();
    let mut below = |limit: usize| random.next_u32() as usize % limit;
    for _ in 0..=below(4) {
        if bytes.len() < 2 {
            break;
        }
        let at = below(bytes.len());
        match below(5) {
            0 => drop(bytes.remove(at)),
            1 => bytes[at] = u8::try_from(below(256)).unwrap(),
            2 => bytes.insert(at, b"\r\n \t:;,0/%\0\xff"[below(12)]),
            3 => bytes.extend_from_within(at..),
            _ => bytes.truncate(at + 1),
        }
    }
    bytes
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_input_breaks_a_port_or_holds_a_connection(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let probe = b"GET /healthz HTTP/1.1\r\nhost: films\r\n\r\n".as_slice();
    let chunked = b"POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n1a\r\n{\"film_id\":995,\"rating\":4}\r\n0\r\n\r\n"
        .as_slice();
    for _ in 0..50 {
        let inputs: Vec<_> = [GET_FILM, POST_REVIEW, probe, chunked]
            .iter()
            .flat_map(|request| [films.http, films.admin].map(|port| (port, mutated(&mut random, request))))
            .collect();
        let exchanges = inputs.iter().map(|(port, bytes)| exchange(*port, bytes));
        for (response, (_, bytes)) in join_all(exchanges).await.iter().zip(&inputs) {
            let is_failure = response.contains("HTTP/1.1 5") || response.contains("HTTP/1.0 5");
            assert!(!is_failure, "{:?}: {response}", String::from_utf8_lossy(bytes));
        }
    }
    assert_eq!(films.get("/films/995/").await.status, 200);
    assert_eq!(films.admin("/healthz").await.status, 200);
    assert!(films.log().iter().all(|line| line["level"] != "ERROR"), "{:#?}", films.log());
}

/// A proxy and the service must agree where a request ends, or a client could hide one in the other.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_ambiguous_request_hides_no_other(pool: PgPool) {
    let films = Films::start(&pool).await;
    let hidden = "GET /films/7/ HTTP/1.1\r\nhost: films\r\n\r\n";
    let body = format!("0\r\n\r\n{hidden}");
    let length = body.len();
    for headers in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("content-length: {length}\r\ncontent-length: 5\r\n"),
        format!("content-length: +{length}\r\n"),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding: chunked\r\n\tfolded: x\r\n".to_owned(),
        "content-length : 0\r\n".to_owned(),
    ] {
        let request = format!(
            "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\n{headers}\r\n{body}"
        );
        let response = exchange(films.http, request.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{headers}: {response}");
        assert!(!response.contains("\"film_id\":7"), "{headers}: {response}");
    }
    let old = raw(films.http, b"GET /films/995/\r\n\r\n").await;
    assert!(!old.contains("film_id"), "{old}");
    assert_eq!(count(&pool, "review").await, 0);
}

//! Clients that request a long list and read a byte each second.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Executor as _, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::{check, resident, start};
use crate::support::h2::H2;
use crate::support::{Films, TIMEOUT};

/// A list of 10,000 films.
const LIST: &str = "/films/?year.gte=0";
/// Most bytes that a client may take in addition to the list. The part of the list that it has not read is in the
/// kernel's buffers, or in no copy of its own.
const EACH: usize = 80 * 1024;
/// How long the clients read a byte each second.
const SECONDS: u64 = 5;

/// Starts an instance with a long list, and reads the list once. Returns also the length of the list in bytes.
async fn start_with_long_list(pool: &PgPool) -> (Films, usize) {
    let insert = "insert into film (film_id, title, release_year)
        select id, 'A title of twenty-odd letters ' || id, 2006 from generate_series(1, 10000) id";
    pool.execute(insert).await.unwrap();
    let films = start(pool).await;
    let list = films.get(LIST).await.body.len();
    assert!(list > 500_000, "{list} bytes");
    (films, list)
}

/// Requests a list over a socket that takes few bytes.
async fn request(to: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: films\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

async fn read_slowly(stream: &mut TcpStream) {
    for _ in 0..SECONDS {
        assert!(stream.read_u8().await.is_ok(), "a byte of the response");
        sleep(Duration::from_secs(1)).await;
    }
}

async fn http1(pool: &PgPool, clients: usize) {
    let (films, list) = start_with_long_list(pool).await;
    let before = resident(&films);
    let mut slow = join_all((0..clients).map(|_| request(films.http, LIST))).await;
    join_all(slow.iter_mut().map(read_slowly)).await;
    check(&films, "slow readers with HTTP/1.1", clients, before, EACH);
    // Every client gets the rest as soon as it reads on.
    let mut buffer = vec![0; list];
    for stream in &mut slow {
        let rest = list - usize::try_from(SECONDS).unwrap();
        timeout(TIMEOUT, stream.read_exact(&mut buffer[..rest])).await.expect("the rest").unwrap();
    }
}

async fn http2(pool: &PgPool, clients: usize) {
    let (films, _) = start_with_long_list(pool).await;
    let before = resident(&films);
    let connect = async || {
        // The window of a stream: the client grants a byte each second.
        let mut client = H2::connect(films.http, 1).await;
        let body = client.get(LIST).await.unwrap();
        (client, body)
    };
    let mut slow = join_all((0..clients).map(|_| connect())).await;
    for _ in 0..SECONDS {
        for (_, body) in &mut slow {
            let data = timeout(TIMEOUT, body.data()).await.expect("a byte").unwrap().unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        sleep(Duration::from_secs(1)).await;
    }
    check(&films, "slow readers with HTTP/2", clients, before, EACH);
    assert!(slow.iter().all(|(client, _)| client.is_open()), "a slow reader has lost its connection");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn slow_http1_readers_share_the_list(pool: PgPool) {
    http1(&pool, 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn slow_http2_readers_share_the_list(pool: PgPool) {
    http2(&pool, 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "prints figures for PERFORMANCE.md"]
async fn five_hundred_slow_http1_readers_share_the_list(pool: PgPool) {
    http1(&pool, 500).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "prints figures for PERFORMANCE.md"]
async fn five_hundred_slow_http2_readers_share_the_list(pool: PgPool) {
    http2(&pool, 500).await;
}

/// Each client holds a list of its own until it has read it: this is what a slow reader can cost.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "prints figures for PERFORMANCE.md"]
async fn slow_readers_of_different_lists_take_no_more_than_their_lists(pool: PgPool) {
    let (films, list) = start_with_long_list(&pool).await;
    let before = resident(&films);
    let path = |after| format!("{LIST}&after={after}");
    let paths: Vec<_> = (0..100).map(path).collect();
    let mut slow = join_all(paths.iter().map(|path| request(films.http, path))).await;
    join_all(slow.iter_mut().map(read_slowly)).await;
    check(&films, "slow readers of different lists", slow.len(), before, list + EACH);
}

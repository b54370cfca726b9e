//! One client that tries to fill the cache.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::catalogue::{PATHS, ten_films};
use crate::support::database::lock_table;
use crate::support::http::read_response;
use crate::support::{Films, TIMEOUT};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_client_with_many_filters_fails_no_other_client(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__CACHE_ENTRIES", "20")]).await;
    let flood = async {
        for after in 0..400 {
            assert_eq!(films.get(&format!("/films/?after={after}&limit=1")).await.status, 200);
        }
    };
    let others = async {
        for _ in 0..40 {
            for path in PATHS {
                let response = films.get(path).await;
                assert_eq!(response.status, 200, "{path}");
                assert!(response.body.contains("\"title\":\"0\""), "{path}: {}", response.body);
            }
        }
    };
    tokio::join!(flood, others);
}

/// No film has this id or a greater one.
const FIRST_ID: usize = 1000;

/// Requests every path of a connection's share, one after another.
async fn request_all(films: &Films, paths: impl Iterator<Item = String>) {
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    for path in paths {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: films\r\n\r\n").as_bytes()).await.unwrap();
        let response = read_response(&mut stream).await.expect("a response");
        assert!(response.starts_with("HTTP/1.1 200 ") || response.starts_with("HTTP/1.1 404 "), "{response}");
    }
}

/// Sends requests for this many different ids, and for as many different lists, over many connections.
async fn flood(films: &Films, each: usize) {
    const CONNECTIONS: usize = 64;
    let share = |first| (first..each).step_by(CONNECTIONS);
    let connection = |first| {
        let paths = share(first).flat_map(|id| {
            // Ids and filters that no other client uses. Most lists are empty: their keys are what they cost.
            [format!("/films/{}/", FIRST_ID + id), format!("/films/?year.gte=2000&title.prefix={id:0100}")]
        });
        request_all(films, paths)
    };
    join_all((0..CONNECTIONS).map(connection)).await;
}

/// Checks that the responses to [`PATHS`] are cached: a cached response needs only the version of the catalogue,
/// so it arrives although the films are locked.
async fn all_are_cached(films: &Films, pool: &PgPool) {
    let lock = lock_table(pool, "film").await;
    for path in PATHS {
        let response =
            timeout(TIMEOUT, films.get(path)).await.unwrap_or_else(|_| panic!("{path}: not cached"));
        assert_eq!(response.status, 200, "{path}");
    }
    lock.rollback().await.unwrap();
}

async fn a_flood_evicts_no_common_response(pool: &PgPool, each: usize) {
    ten_films(pool).await;
    // One thread, so that the common responses have been read again and again on it.
    let limits = [("FILMS__DATABASE__CACHE_ENTRIES", "1000"), ("FILMS__HTTP__THREADS", "1")];
    let films = Films::start_with(pool, &limits).await;
    let others = async |rounds| {
        for _ in 0..rounds {
            for path in PATHS {
                assert_eq!(films.get(path).await.status, 200, "{path}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    others(10).await;
    tokio::join!(flood(&films, each), others(10));
    all_are_cached(&films, pool).await;
    // The control: a response of the flood was evicted, so the cache does not hold every response.
    let lock = lock_table(pool, "film").await;
    let path = format!("/films/{}/", FIRST_ID + each / 2);
    let response = timeout(Duration::from_secs(1), films.get(&path)).await;
    assert!(response.is_err(), "{path} is cached still: {response:?}");
    lock.rollback().await.unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_client_with_many_ids_and_filters_evicts_no_common_response(pool: PgPool) {
    a_flood_evicts_no_common_response(&pool, 5_000).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "sends 200,000 requests"]
async fn a_client_with_100_000_ids_and_filters_evicts_no_common_response(pool: PgPool) {
    a_flood_evicts_no_common_response(&pool, 100_000).await;
}

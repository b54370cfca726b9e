//! Clients that retry after a failure, with the same key until they know the outcome.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::database::count;
use crate::support::http::read_response;
use crate::support::proxy::Proxy;
use crate::support::{Films, command, run, until, variables};

const CLIENTS: i64 = 8;
const REVIEWS: i64 = 40;

/// Posts reviews, each until it is acknowledged, to the address that `to` returns for the attempt.
async fn post(client: i64, to: impl Fn(usize) -> SocketAddr) {
    for n in 0..REVIEWS {
        let mut attempts = 0;
        until("an acknowledgement", async || {
            attempts += 1;
            match attempt(to(attempts), &format!("{client}-{n}")).await {
                Some(response) if response.starts_with("HTTP/1.1 200 ") => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }
}

/// Sends a review on a new connection. Returns the response, if there is one.
async fn attempt(to: SocketAddr, key: &str) -> Option<String> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    let request = format!(
        "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\nidempotency-key: \"{key}\"\r\n\
         content-length: 26\r\n\r\n{{\"film_id\":995,\"rating\":4}}"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    read_response(&mut stream).await
}

/// Returns once this many reviews are stored.
async fn until_stored(pool: &PgPool, reviews: i64) {
    until("more reviews", async || match count(pool, "review").await {
        stored if stored >= reviews => Ok(()),
        stored => Err(stored),
    })
    .await;
}

const ALL: i64 = CLIENTS * REVIEWS;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_stored_once_although_connections_to_postgres_break(pool: PgPool) {
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let proxy = Proxy::start(&pool).await;
    let films = Films::spawn(&proxy.variables(&pool)).await;
    films.until_ready().await;
    let cuts = async {
        for cut in 1..=10 {
            until_stored(&pool, ALL * cut / 12).await;
            proxy.cut();
            sleep(Duration::from_millis(20)).await;
            proxy.open();
        }
    };
    let clients = join_all((0..CLIENTS).map(|client| post(client, |_| films.http)));
    tokio::join!(clients, cuts);
    assert_eq!(count(&pool, "review").await, ALL);
    let page = films.admin("/metrics").await;
    let failures = page.sample("films_query_failures_total", &["query=\"create_review\""]);
    assert!(failures.is_some(), "no review met a broken connection, in {page:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_stored_once_although_instances_are_killed(pool: PgPool) {
    let lasting = Films::start(&pool).await;
    let killed = Films::spawn(&variables(&pool)).await;
    killed.until_ready().await;
    // The address stays the same, so that clients find the next instance.
    let mut next = variables(&pool);
    next.insert("FILMS__HTTP__LISTEN".into(), killed.http.to_string());
    let both = [killed.http, lasting.http];
    let kills = async {
        let mut instance = killed;
        for kill in 1..=5 {
            until_stored(&pool, ALL * kill / 7).await;
            instance.signal("KILL");
            instance.ended().await;
            instance = Films::spawn_as(command(&next, &["serve"])).await;
        }
        instance
    };
    let clients = join_all((0..CLIENTS).map(|client| post(client, move |attempt| both[attempt % 2])));
    let (_, _instance) = tokio::join!(clients, kills);
    assert_eq!(count(&pool, "review").await, ALL);
}

//! The order of stopping.

use futures_util::future::join_all;
use serde_json::Value;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::database::{count, lock_table, until_blocked, until_disconnected};
use crate::support::http::{GET_FILM, POST_REVIEW, read_response};
use crate::support::{Films, until};

/// Opens a connection and sends a request on it.
async fn send(films: &Films, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream
}

/// Tokio hears of few connections at a time, so 300 are more than it has heard of when the signal comes.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn connections_in_the_backlog_are_served(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "1")]).await;
    let mut first = send(&films, GET_FILM).await;
    read_response(&mut first).await.expect("a response");
    let mut waiting = Vec::new();
    for _ in 0..300 {
        waiting.push(send(&films, GET_FILM).await);
    }
    films.signal("TERM");
    let responses = join_all(waiting.iter_mut().map(read_response)).await;
    let served = responses.iter().flatten().filter(|response| response.starts_with("HTTP/1.1 200 ")).count();
    assert_eq!(served, 300);
    assert_eq!(films.ended().await.code(), Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_lame_duck_serves_and_is_unready(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    assert_eq!(films.get("/films/995/").await.header("connection"), "");
    films.signal("TERM");
    let unready = films.until_readiness(|response| response.status == 503).await;
    assert_eq!(unready.json()["reason"], "the instance is stopping");
    assert_eq!(films.admin("/healthz").await.status, 200);
    let response = films.get("/films/995/").await;
    assert_eq!((response.status, response.header("connection")), (200, "close"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_process_ends_after_the_lame_duck(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "300ms")]).await;
    films.signal("TERM");
    assert_eq!(films.ended().await.code(), Some(0));
    assert!(films.log().iter().any(|line| line["lame_duck"] == "300ms"), "{:#?}", films.log());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn ctrl_c_skips_the_lame_duck(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    films.signal("INT");
    assert_eq!(films.ended().await.code(), Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_second_signal_ends_the_process_immediately(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    films.signal("TERM");
    films.until_readiness(|response| response.status == 503).await;
    films.signal("TERM");
    assert_eq!(films.ended().await.code(), Some(130));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn sighup_is_ignored_with_a_line(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.signal("HUP");
    films.until_logged(|line| line["message"].as_str().is_some_and(|text| text.contains("SIGHUP"))).await;
    assert_eq!(films.get("/films/995/").await.status, 200);
    films.stop().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_running_request_is_finished(pool: PgPool) {
    let mut films = Films::start(&pool).await;
    let lock = lock_table(&pool, "film").await;
    let mut stream = send(&films, POST_REVIEW).await;
    until_blocked(&pool).await;
    films.signal("TERM");
    until("connections are refused", async || match TcpStream::connect(films.http).await {
        Err(_) => Ok(()),
        Ok(_) => Err("a connection was accepted"),
    })
    .await;
    lock.rollback().await.unwrap();
    let response = read_response(&mut stream).await.expect("a response");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(films.ended().await.code(), Some(0));
    assert_eq!(count(&pool, "review").await, 1);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_grace_period_is_limited(pool: PgPool) {
    // The query ends by its own timeout: the lock is held longer than the process lives.
    let limits = [("FILMS__SHUTDOWN__GRACE", "300ms"), ("FILMS__DATABASE__QUERY_TIMEOUT", "8s")];
    let mut films = Films::start_with(&pool, &limits).await;
    let lock = lock_table(&pool, "film").await;
    let stream = send(&films, GET_FILM).await;
    until_blocked(&pool).await;
    films.signal("TERM");
    assert_eq!(films.ended().await.code(), Some(0));
    let is_cut_off = |line: &Value| line["message"].as_str().unwrap().contains("cut off");
    assert!(films.log().iter().any(is_cut_off), "{:#?}", films.log());
    drop((lock, stream));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn idle_connections_do_not_delay_the_stop(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__GRACE", "1h")]).await;
    let silent = TcpStream::connect(films.http).await.unwrap();
    let mut keep_alive = send(&films, GET_FILM).await;
    read_response(&mut keep_alive).await.expect("a response");
    // Fails if the process does not end.
    films.stop().await;
    drop((silent, keep_alive));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stopped_instance_has_no_connection_to_postgres(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    films.stop().await;
    until_disconnected(&pool).await;
}

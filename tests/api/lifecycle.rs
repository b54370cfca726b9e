//! Starting, and above all stopping: no request is lost.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::support::{Films, run, variables};

/// How a client fared on its connections until there were no more to be had.
#[derive(Debug, Default)]
struct Fared {
    answered: usize,
    told_to_close: usize,
    /// Requests that were sent and got no whole answer.
    lost: usize,
}

/// Asks again and again, on one connection for as long as the server lets it, as a load balancer
/// does, until connections are refused.
async fn client(to: SocketAddr, request: &'static [u8]) -> Fared {
    let mut fared = Fared::default();
    while let Ok(mut stream) = TcpStream::connect(to).await {
        loop {
            if stream.write_all(request).await.is_err() {
                fared.lost += 1;
                break;
            }
            let Some(answer) = read_answer(&mut stream).await else {
                fared.lost += 1;
                break;
            };
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            fared.answered += 1;
            if answer.contains("connection: close") {
                fared.told_to_close += 1;
                break;
            }
        }
    }
    fared
}

/// One whole answer, by its length.
async fn read_answer(stream: &mut TcpStream) -> Option<String> {
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        if body.len() >= length.parse().ok()? {
            return Some(text.into_owned());
        }
    }
}

const GET: &[u8] = b"GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n";
const POST: &[u8] = b"POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\n\
                      content-length: 26\r\n\r\n{\"film_id\":995,\"rating\":4}";

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn sigterm_under_load_loses_no_request(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "500ms")]).await;
    let clients = join_all((0..20).map(|n| {
        let to = films.http;
        async move { tokio::spawn(client(to, if n % 2 == 0 { GET } else { POST })).await.unwrap() }
    }));
    let stop = async {
        sleep(Duration::from_millis(500)).await;
        films.signal("TERM");
        films.ended().await
    };
    let (fared, status) = tokio::join!(clients, stop);

    assert_eq!(status.code(), Some(0));
    assert!(fared.iter().all(|client| client.lost == 0), "{fared:?}");
    assert!(fared.iter().all(|client| client.answered > 0 && client.told_to_close > 0), "{fared:?}");
    let accepted: usize = fared.iter().skip(1).step_by(2).map(|client| client.answered).sum();
    let stored: i64 = sqlx::query_scalar("select count(*) from review").fetch_one(&pool).await.unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), accepted);
}

/// More than one turn of tokio's scheduler takes.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_the_kernel_has_accepted_is_answered(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_CONNECTIONS", "1")]).await;
    let mut first = TcpStream::connect(films.http).await.unwrap();
    first.write_all(GET).await.unwrap();
    read_answer(&mut first).await.expect("an answer");
    let mut waiting = Vec::new();
    for _ in 0..300 {
        let mut client = TcpStream::connect(films.http).await.unwrap();
        client.write_all(GET).await.unwrap();
        waiting.push(client);
    }
    films.signal("TERM");
    let answers = join_all(waiting.iter_mut().map(read_answer)).await;
    let answered = answers.iter().flatten().filter(|answer| answer.starts_with("HTTP/1.1 200 ")).count();
    assert_eq!(answered, 300);
    assert_eq!(films.ended().await.code(), Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_lame_duck_serves_and_is_not_ready(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "2s")]).await;
    assert_eq!(films.get("/films/995/").await.header("connection"), "");
    films.signal("TERM");
    let unready = films.until_readiness(|answer| answer.status == 503).await;
    assert_eq!(unready.json()["reason"], "the instance is stopping");
    assert_eq!(films.admin("/healthz").await.status, 200);
    let answer = films.get("/films/995/").await;
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert_eq!(films.ended().await.code(), Some(0));
    assert!(TcpStream::connect(films.http).await.is_err());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn ctrl_c_skips_the_lame_duck(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    films.signal("INT");
    assert_eq!(films.ended().await.code(), Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_second_signal_ends_it_at_once(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    films.signal("TERM");
    films.until_readiness(|answer| answer.status == 503).await;
    films.signal("TERM");
    assert_eq!(films.ended().await.code(), Some(130));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_under_way_is_finished(pool: PgPool) {
    let mut films = Films::start(&pool).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(POST).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    films.signal("TERM");
    sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(films.http).await.is_err(), "it still accepts");
    lock.rollback().await.unwrap();
    let answer = read_answer(&mut stream).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(films.ended().await.code(), Some(0));
    let stored: i64 = sqlx::query_scalar("select count(*) from review").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, 1);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_grace_period_has_an_end(pool: PgPool) {
    let limits = [("FILMS__SHUTDOWN__GRACE", "300ms"), ("FILMS__DATABASE__QUERY_TIMEOUT", "1s")];
    let mut films = Films::start_with(&pool, &limits).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    stream.write_all(GET).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    films.signal("TERM");
    assert_eq!(films.ended().await.code(), Some(0));
    assert!(films.log().iter().any(|line| line["message"].as_str().unwrap().contains("cut off")));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn connections_that_say_nothing_do_not_delay_the_stop(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__GRACE", "1h")]).await;
    let silent = TcpStream::connect(films.http).await.unwrap();
    let mut kept_alive = TcpStream::connect(films.http).await.unwrap();
    kept_alive.write_all(GET).await.unwrap();
    read_answer(&mut kept_alive).await.expect("an answer");
    // It fails where the process does not end.
    films.stop().await;
    drop((silent, kept_alive));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn nothing_of_it_stays_at_postgres(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    films.stop().await;
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and application_name = 'films'";
    let since = Instant::now();
    // Postgres's processes end a moment after their connections.
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&pool).await.unwrap() > 0 {
        assert!(since.elapsed() < Duration::from_secs(5));
        sleep(Duration::from_millis(20)).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_taken_port_is_one_clear_line(pool: PgPool) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, key) in [("FILMS__HTTP__LISTEN", "http.listen"), ("FILMS__ADMIN__LISTEN", "admin.listen")]
    {
        let mut variables = variables(&pool);
        variables.insert(variable.to_owned(), address.clone());
        let ended = run(&variables, &["serve"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(&format!("{key} = {address}")), "{ended:?}");
    }
}

//! What is wrong is said in problem details, with a status that fits and nothing internal.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::http::{raw, send};
use crate::support::{Films, PATIENCE};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_film_is_not_found(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [0, 1001, i32::MAX] {
        let detail = films.get(&format!("/films/{id}/")).await.problem(404, "no-such-film");
        assert!(detail.contains(&id.to_string()), "{detail}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_id_is_digits_that_fit(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [
        "",
        "abc",
        "-1",
        "+995",
        "9.5",
        "2147483648",
        "99999999999999999999999",
        "%ff",
        "%00",
        "995%20",
        "٣",
        "1e2",
    ] {
        let id: String =
            id.chars().map(|c| if c.is_ascii() { c.to_string() } else { "%D9%A3".into() }).collect();
        let detail = films.get(&format!("/films/{id}/")).await.problem(400, "invalid-path");
        assert!(detail.contains("2147483647"), "{detail}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_query_names_what_is_wrong_with_it(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (query, named) in [
        ("year.gt=abc", "year.gt"),
        ("year.gt=", "year.gt"),
        ("year.gt=2000.5", "year.gt"),
        ("year.gt=99999999999", "year.gt"),
        ("year.gt=2000&year.gt=2001", "year.gt"),
        ("year=2000", "year"),
        ("year.lt=2000", "year.lt"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=4294967296", "limit"),
        ("after=x", "after"),
        ("%ff=1", ""),
    ] {
        let detail = films.get(&format!("/films/?{query}")).await.problem(400, "invalid-query");
        assert!(detail.contains(named), "{query}: {detail}");
    }
    films.get("/films/995/?fields=title").await.problem(400, "invalid-query");
    films.post("/reviews/?dry=1", r#"{"film_id":995,"rating":4}"#).await.problem(400, "invalid-query");
    // The largest values are no mistake.
    let largest = format!("/films/?year.gt={0}&limit={0}&after={0}", i32::MAX);
    assert_eq!(films.get(&largest).await.body, "{}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_that_is_not_json_says_where(pool: PgPool) {
    let films = Films::start(&pool).await;
    for body in [
        "",
        "{",
        "film_id=995",
        r#"{"film_id":995,"rating":4"#,
        r#"{"film_id":995,"rating":4}x"#,
        "{'film_id':1}",
    ] {
        let detail = films.post("/reviews/", body).await.problem(400, "invalid-json");
        assert!(detail.contains("line 1"), "{body}: {detail}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_that_is_no_review_says_why(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (body, named) in [
        (r#"{"film_id":995}"#, "rating"),
        (r#"{"rating":4}"#, "film_id"),
        (r#"{"film_id":"995","rating":4}"#, "string"),
        (r#"{"film_id":995,"rating":4.5}"#, "floating point"),
        (r#"{"film_id":995,"rating":null}"#, "null"),
        (r#"{"film_id":99999999999,"rating":4}"#, "99999999999"),
        (r#"{"film_id":995,"rating":4,"rating":5}"#, "rating"),
        (r#"{"film_id":995,"rating":4,"text":"great"}"#, "text"),
        ("[]", "invalid"),
        ("null", "null"),
        (r#"{"film_id":995,"rating":0}"#, "1 to 5"),
        (r#"{"film_id":995,"rating":6}"#, "1 to 5"),
        (r#"{"film_id":995,"rating":-2147483648}"#, "1 to 5"),
    ] {
        let detail = films.post("/reviews/", body).await.problem(422, "invalid-review");
        assert!(detail.contains(named), "{body}: {detail}");
    }
    let detail = films.post("/reviews/", r#"{"film_id":4711,"rating":4}"#).await.problem(422, "unknown-film");
    assert!(detail.contains("4711"), "{detail}");
    let stored: i64 = sqlx::query_scalar("select count(*) from review").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_must_be_declared_as_json(pool: PgPool) {
    let films = Films::start(&pool).await;
    let review = r#"{"film_id":995,"rating":4}"#;
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", ""] {
        let headers = [("content-type", content_type)];
        let answer = send(films.http, "POST", "/reviews/", &headers, review).await;
        assert!(answer.problem(415, "unsupported-media-type").contains("application/json"));
    }
    send(films.http, "POST", "/reviews/", &[], review).await.problem(415, "unsupported-media-type");
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let headers = [("content-type", content_type)];
        assert_eq!(send(films.http, "POST", "/reviews/", &headers, review).await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_has_a_largest_size(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_BODY_SIZE", "100")]).await;
    let review = r#"{"film_id":995,"rating":4}"#;
    let padded = |size: usize| format!("{}{review}", " ".repeat(size - review.len()));
    assert_eq!(films.post("/reviews/", &padded(100)).await.status, 200);
    let detail = films.post("/reviews/", &padded(101)).await.problem(413, "body-too-large");
    assert!(detail.contains("100"), "{detail}");
    // Without a length in its head it is found out on the way.
    let chunk = padded(101);
    let request = format!(
        "POST /reviews/ HTTP/1.1\r\nhost: films\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n",
        chunk.len()
    );
    let answer = raw(films.http, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_wrong_method_is_told_the_right_ones(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (method, path, allowed) in [
        ("POST", "/films/", "GET,HEAD"),
        ("DELETE", "/films/995/", "GET,HEAD"),
        ("PUT", "/films/995/", "GET,HEAD"),
        ("OPTIONS", "/films/", "GET,HEAD"),
        ("TRACE", "/films/", "GET,HEAD"),
        ("BREW", "/films/", "GET,HEAD"),
        ("GET", "/reviews/", "POST"),
    ] {
        let answer = send(films.http, method, path, &[], "").await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    let answer = send(films.admin, "POST", "/readyz", &[], "").await;
    answer.problem(405, "method-not-allowed");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_route_is_not_found(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/", "/nope", "/films/1/2/", "//films/", "/films/995/reviews/x", "/healthz", "/metrics"] {
        films.get(path).await.problem(404, "no-such-route");
    }
    films.admin("/films/").await.problem(404, "no-such-route");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_is_not_http_is_refused_and_the_next_one_answered(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], "400"),
        (b"GET /films/ HTTP/1.1\r\nbad header\r\n\r\n", "400"),
        (b"POST /reviews/ HTTP/1.1\r\ncontent-length: x\r\n\r\n", "400"),
        (b"POST /reviews/ HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
    ] {
        let answer = raw(films.http, bytes).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let long = format!("GET /films/ HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1_000_000));
    let answer = raw(films.http, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_that_does_not_come_times_out(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__BODY_TIMEOUT", "200ms")]).await;
    let head = "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n{";
    let answer = first_bytes(films.http, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:problem-type:films:body-timeout"), "{answer}");
}

/// Sends this and keeps the connection open; returns what comes back first.
async fn first_bytes(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = timeout(PATIENCE, stream.read(&mut answer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_head_that_does_not_come_ends_the_connection(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__HEADER_TIMEOUT", "200ms")]).await;
    // `raw` returns when the connection is closed.
    for begun in ["GET /films/ HTTP/1.1\r\nhost: fi", "PRI * HT", ""] {
        let answer = raw(films.http, begun.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_answer_times_out(pool: PgPool) {
    let limits = [("FILMS__HTTP__REQUEST_TIMEOUT", "300ms"), ("FILMS__HTTP__BODY_TIMEOUT", "200ms")];
    let films = Films::start_with(&pool, &limits).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    films.get("/films/995/").await.problem(504, "timeout");
    lock.rollback().await.unwrap();
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_slow_query_is_given_up(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "300ms")]).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let answer = films.get("/films/995/").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    lock.rollback().await.unwrap();
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn one_request_too_many_is_refused_at_once(pool: PgPool) {
    let limits = [
        // Each thread has its share of the queue.
        ("FILMS__HTTP__THREADS", "1"),
        ("FILMS__DATABASE__POOL_SIZE", "1"),
        ("FILMS__DATABASE__MAX_BATCH_SIZE", "1"),
        ("FILMS__DATABASE__QUEUE_SIZE", "2"),
    ];
    let films = &Films::start_with(&pool, &limits).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();

    // One is at Postgres, two wait in the queue: of ten at once, seven are refused.
    let requests = join_all((0..10).map(|nth| async move {
        // The first is at Postgres before the others come.
        tokio::time::sleep(Duration::from_millis(if nth == 0 { 0 } else { 200 })).await;
        films.get("/films/995/").await
    }));
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        lock.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(requests, unlock);

    let (refused, answered): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
    for answer in &refused {
        answer.problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert!(answered.iter().all(|answer| answer.status == 200), "{answered:?}");
    assert_eq!((refused.len(), answered.len()), (7, 3));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_database_that_is_away_is_a_503_soon(pool: PgPool) {
    let mut variables = crate::support::variables(&pool);
    // Nothing listens on the discard port.
    variables.insert("DATABASE_URL".into(), "postgres://dvdrental:secret@127.0.0.1:9/dvdrental".into());
    let films = Films::spawn(&variables).await;
    let since = Instant::now();
    for answer in [
        films.get("/films/").await,
        films.get("/films/995/").await,
        films.post("/reviews/", r#"{"film_id":995,"rating":4}"#).await,
    ] {
        answer.problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        for internal in ["127.0.0.1", "refused", "postgres", "dvdrental", "secret"] {
            assert!(!answer.body.contains(internal), "{answer:?}");
        }
    }
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_defect_on_this_side_reveals_nothing_and_is_logged_once(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table film rename column title to name").execute(&pool).await.unwrap();
    let answer = films.get("/films/995/").await;
    assert_eq!(answer.problem(500, "internal"), "");
    assert!(!answer.body.contains("column"), "{answer:?}");
    let log = films.stop().await;
    let failures: Vec<_> = log.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(failures.len(), 1, "{log:#?}");
    assert!(failures[0]["error"].as_str().unwrap().contains("title"), "{failures:?}");
    assert_eq!(
        (failures[0]["status"].as_u64(), failures[0]["path"].as_str()),
        (Some(500), Some("/films/995/"))
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_rule_of_the_database_fails_its_own_review_only(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table review add constraint kind check (rating > 2)").execute(&pool).await.unwrap();
    // Hold the table, so that the reviews gather behind the first one and share a statement.
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table review in access exclusive mode").execute(&mut *lock).await.unwrap();
    let reviews = (0..40).map(|n| {
        let body = format!(r#"{{"film_id":{},"rating":{}}}"#, if n % 4 == 3 { 5000 } else { 995 }, n % 5 + 1);
        let films = &films;
        async move { (n, films.post("/reviews/", &body).await) }
    });
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        lock.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(reviews), unlock);

    let mut accepted = 0;
    for (n, answer) in answers {
        match (n % 4 == 3, n % 5 + 1 > 2) {
            (true, _) => drop(answer.problem(422, "unknown-film")),
            (false, false) => drop(answer.problem(422, "invalid-review")),
            (false, true) => {
                assert_eq!(answer.status, 200, "{answer:?}");
                accepted += 1;
            }
        }
    }
    let stored: i64 = sqlx::query_scalar("select count(*) from review").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, accepted);
}

//! `ETag` and `If-None-Match`: RFC 9110, sections 8.8.3, 13.1.2 and 15.4.5.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{Answer, raw, send};

const PATHS: [&str; 4] = ["/films/995/", "/films/", "/films/?limit=10", "/films/?year.gt=2010"];

async fn ask(films: &Films, method: &str, path: &str, known: &str) -> Answer {
    send(films.http, method, path, &[("if-none-match", known)], "").await
}

async fn change(pool: &PgPool) {
    sqlx::query("update film set title = title || '!' where film_id = 995").execute(pool).await.unwrap();
}

/// 304 with what a cache needs, and with nothing that describes a body which is not there.
#[track_caller]
fn assert_not_modified(answer: &Answer, tag: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{answer:?}");
    assert_eq!((answer.header("etag"), answer.header("cache-control")), (tag, "no-cache"), "{answer:?}");
    for absent in ["content-type", "content-length", "transfer-encoding"] {
        assert_eq!(answer.header(absent), "", "{answer:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn equal_states_have_equal_strong_tags(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let answers =
            [films.get(path).await, films.get(path).await, send(films.http, "HEAD", path, &[], "").await];
        let tag = answers[0].header("etag");
        let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        assert!(opaque.is_some_and(|tag| !tag.is_empty() && !tag.contains('"')), "{tag}");
        for answer in &answers {
            assert_eq!((answer.status, answer.header("etag")), (200, tag), "{path}");
            assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_the_client_has_is_not_sent_again(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let whole = films.get(path).await;
        let tag = whole.header("etag");
        for method in ["GET", "HEAD"] {
            for known in
                [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), &format!("W/\"x\",W/{tag},\"y\""), "*"]
            {
                assert_not_modified(&ask(&films, method, path, known).await, tag);
            }
        }
        let lines = [("if-none-match", "\"x\""), ("if-none-match", tag)];
        assert_not_modified(&send(films.http, "GET", path, &lines, "").await, tag);
        for other in ["\"x\"", "W/\"x\"", tag.trim_matches('"'), "", "\"*\""] {
            let answer = ask(&films, "GET", path, other).await;
            assert_eq!((answer.status, &answer.body), (200, &whole.body), "{path} with {other}");
            assert_eq!((answer.header("etag"), answer.header("content-type")), (tag, "application/json"));
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn another_state_is_sent_under_another_tag(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let before = films.get(path).await;
        let tag = before.header("etag");
        assert_not_modified(&ask(&films, "GET", path, tag).await, tag);
        change(&pool).await;
        for method in ["GET", "HEAD"] {
            let after = ask(&films, method, path, tag).await;
            assert_eq!(after.status, 200, "{path}");
            assert_ne!(after.header("etag"), tag, "{path}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn instances_of_one_database_agree(pool: PgPool) {
    let (one, other) = (Films::start(&pool).await, Films::start(&pool).await);
    for path in PATHS {
        for _ in 0..2 {
            let answer = one.get(path).await;
            let tag = answer.header("etag");
            assert_eq!(other.get(path).await.header("etag"), tag, "{path}");
            assert_not_modified(&ask(&other, "GET", path, tag).await, tag);
            change(&pool).await;
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_restart_makes_nobody_fetch_again(pool: PgPool) {
    let films = Films::start(&pool).await;
    let before = films.get("/films/").await;
    films.stop().await;
    let films = Films::start(&pool).await;
    assert_not_modified(&ask(&films, "GET", "/films/", before.header("etag")).await, before.header("etag"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_is_no_film_has_no_tag(pool: PgPool) {
    let films = Films::start(&pool).await;
    let known = films.get("/films/").await.header("etag").to_owned();
    for known in [&known, "*"] {
        for method in ["GET", "HEAD"] {
            for (path, status) in
                [("/films/4711/", 404), ("/films/x/", 400), ("/films/?limit=0", 400), ("/nope", 404)]
            {
                let answer = ask(&films, method, path, known).await;
                assert_eq!((answer.status, answer.header("etag")), (status, ""), "{method} {path}");
            }
        }
        let review = r#"{"film_id":995,"rating":4}"#;
        let headers = [("content-type", "application/json"), ("if-none-match", known)];
        let answer = send(films.http, "POST", "/reviews/", &headers, review).await;
        assert_eq!((answer.status, answer.header("etag"), answer.body.as_str()), (200, "", review));
    }
    sqlx::query("alter table film rename to films").execute(&pool).await.unwrap();
    let answer = ask(&films, "GET", "/films/995/", "\"x\"").await;
    assert!(answer.status >= 500 && answer.header("etag").is_empty(), "{answer:?}");
}

/// A client that reads by lengths must find the next answer where 304 ends.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_connection_goes_on_after_not_modified(pool: PgPool) {
    let films = Films::start(&pool).await;
    let request = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: films\r\n{more}\r\n");
    let requests =
        request("/films/", "if-none-match: *\r\n") + &request("/films/3/", "connection: close\r\n");
    let answers = raw(films.http, requests.as_bytes()).await;
    let (first, second) = answers.split_once("\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 304 "), "{answers}");
    assert!(second.starts_with("HTTP/1.1 200 ") && second.contains(r#"{"film_id":3,"#), "{answers}");
}

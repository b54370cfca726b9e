//! `ETag` and `If-None-Match`: RFC 9110, sections 8.8.3, 13.1.2 and 15.4.5.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{REVIEW, Response, raw, send};

const PATHS: [&str; 4] = ["/films/995/", "/films/", "/films/?limit=10", "/films/?year.gt=2010"];

/// Sends a request with `If-None-Match`.
async fn revalidate(films: &Films, method: &str, path: &str, tag: &str) -> Response {
    send(films.http, method, path, &[("if-none-match", tag)], "").await
}

async fn change_film(pool: &PgPool) {
    sqlx::query("update film set title = title || '!' where film_id = 995").execute(pool).await.unwrap();
}

/// Checks for a 304 with the headers that a cache needs, and without those that describe a body.
#[track_caller]
fn assert_not_modified(response: &Response, tag: &str) {
    assert_eq!((response.status, response.body.as_str()), (304, ""), "{response:?}");
    assert_eq!(
        (response.header("etag"), response.header("cache-control")),
        (tag, "no-cache"),
        "{response:?}"
    );
    for absent in ["content-type", "content-length", "transfer-encoding"] {
        assert_eq!(response.header(absent), "", "{response:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unchanged_catalogue_has_the_same_strong_etag(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let responses =
            [films.get(path).await, films.get(path).await, send(films.http, "HEAD", path, &[], "").await];
        let tag = responses[0].header("etag");
        let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        assert!(opaque.is_some_and(|tag| !tag.is_empty() && !tag.contains('"')), "{tag}");
        for response in &responses {
            assert_eq!((response.status, response.header("etag")), (200, tag), "{path}");
            assert_eq!(response.header("cache-control"), "no-cache", "{path}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_matching_etag_returns_304(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let whole = films.get(path).await;
        let tag = whole.header("etag");
        for method in ["GET", "HEAD"] {
            for tags in
                [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), &format!("W/\"x\",W/{tag},\"y\""), "*"]
            {
                assert_not_modified(&revalidate(&films, method, path, tags).await, tag);
            }
        }
        let lines = [("if-none-match", "\"x\""), ("if-none-match", tag)];
        assert_not_modified(&send(films.http, "GET", path, &lines, "").await, tag);
        for other in ["\"x\"", "W/\"x\"", tag.trim_matches('"'), "", "\"*\""] {
            let response = revalidate(&films, "GET", path, other).await;
            assert_eq!((response.status, &response.body), (200, &whole.body), "{path} with {other}");
            assert_eq!((response.header("etag"), response.header("content-type")), (tag, "application/json"));
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_changed_film_changes_every_etag(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in PATHS {
        let before = films.get(path).await;
        let tag = before.header("etag");
        assert_not_modified(&revalidate(&films, "GET", path, tag).await, tag);
        change_film(&pool).await;
        for method in ["GET", "HEAD"] {
            let after = revalidate(&films, method, path, tag).await;
            assert_eq!(after.status, 200, "{path}");
            assert_ne!(after.header("etag"), tag, "{path}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn instances_with_the_same_database_have_the_same_etags(pool: PgPool) {
    let (one, other) = (Films::start(&pool).await, Films::start(&pool).await);
    for path in PATHS {
        for _ in 0..2 {
            let response = one.get(path).await;
            let tag = response.header("etag");
            assert_eq!(other.get(path).await.header("etag"), tag, "{path}");
            assert_not_modified(&revalidate(&other, "GET", path, tag).await, tag);
            change_film(&pool).await;
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn etags_survive_a_restart(pool: PgPool) {
    let films = Films::start(&pool).await;
    let before = films.get("/films/").await;
    films.stop().await;
    let films = Films::start(&pool).await;
    assert_not_modified(
        &revalidate(&films, "GET", "/films/", before.header("etag")).await,
        before.header("etag"),
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn responses_without_films_have_no_etag(pool: PgPool) {
    let films = Films::start(&pool).await;
    let tag = films.get("/films/").await.header("etag").to_owned();
    for tag in [&tag, "*"] {
        for method in ["GET", "HEAD"] {
            for (path, status) in
                [("/films/4711/", 404), ("/films/x/", 400), ("/films/?limit=0", 400), ("/nope", 404)]
            {
                let response = revalidate(&films, method, path, tag).await;
                assert_eq!((response.status, response.header("etag")), (status, ""), "{method} {path}");
            }
        }
        let headers = [("content-type", "application/json"), ("if-none-match", tag)];
        let response = send(films.http, "POST", "/reviews/", &headers, REVIEW).await;
        assert_eq!((response.status, response.header("etag"), response.body.as_str()), (200, "", REVIEW));
    }
    sqlx::query("alter table film rename to films").execute(&pool).await.unwrap();
    let response = revalidate(&films, "GET", "/films/995/", "\"x\"").await;
    assert!(response.status >= 500 && response.header("etag").is_empty(), "{response:?}");
}

/// A client that reads bodies by their length must find the next response directly after the 304.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_connection_can_be_used_after_304(pool: PgPool) {
    let films = Films::start(&pool).await;
    let request = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: films\r\n{more}\r\n");
    let requests =
        request("/films/", "if-none-match: *\r\n") + &request("/films/3/", "connection: close\r\n");
    let responses = raw(films.http, requests.as_bytes()).await;
    let (first, second) = responses.split_once("\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 304 "), "{responses}");
    assert!(second.starts_with("HTTP/1.1 200 ") && second.contains(r#"{"film_id":3,"#), "{responses}");
}

//! Requests of pages from other origins.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{REVIEW, Response, send};

const PAGE: &str = "https://page.example";

async fn films(pool: &PgPool, origins: &str) -> Films {
    Films::start_with(pool, &[("FILMS__HTTP__CORS_ORIGINS", origins)]).await
}

async fn get(films: &Films, path: &str, origin: &str) -> Response {
    send(films.http, "GET", path, &[("origin", origin)], "").await
}

async fn preflight(films: &Films, path: &str, origin: &str) -> Response {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    send(films.http, "OPTIONS", path, &headers, "").await
}

fn vary(response: &Response) -> Vec<&str> {
    response.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect()
}

#[track_caller]
fn assert_not_permitted(response: &Response) {
    let is_permission = |name: &hyper::header::HeaderName| name.as_str().starts_with("access-control-");
    assert!(!response.headers.keys().any(is_permission), "{response:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pages_of_other_origins_are_not_permitted_by_default(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = get(&films, "/films/995/", PAGE).await;
    assert_not_permitted(&response);
    assert_eq!((response.status, vary(&response)), (200, vec![]));
    assert_not_permitted(&preflight(&films, "/reviews/", PAGE).await);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_listed_origin_may_read_every_response(pool: PgPool) {
    let films = films(&pool, "http://localhost:8080, https://page.example").await;
    for (path, status) in [("/films/995/", 200), ("/films/4711/", 404), ("/films/x/", 400), ("/nope", 404)] {
        let response = get(&films, path, PAGE).await;
        assert_eq!(
            (response.status, response.header("access-control-allow-origin")),
            (status, PAGE),
            "{path}"
        );
        let exposed = "allow, etag, idempotent-replayed, link, retry-after";
        assert_eq!(response.header("access-control-expose-headers"), exposed);
        assert_eq!(vary(&response), ["origin"], "{path}");
    }
    let list = get(&films, "/films/", "http://localhost:8080").await;
    assert_eq!(list.header("access-control-allow-origin"), "http://localhost:8080");
    assert_eq!(vary(&list), ["accept-encoding", "origin"]);
    let headers = [("origin", PAGE), ("content-type", "application/json")];
    let stored = send(films.http, "POST", "/reviews/", &headers, REVIEW).await;
    assert_eq!((stored.status, stored.header("access-control-allow-origin")), (200, PAGE));
    let unchanged = [("origin", PAGE), ("if-none-match", "*")];
    let unchanged = send(films.http, "GET", "/films/995/", &unchanged, "").await;
    assert_eq!((unchanged.status, unchanged.header("access-control-allow-origin")), (304, PAGE));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn other_origins_are_not_permitted(pool: PgPool) {
    let films = films(&pool, PAGE).await;
    for origin in ["http://page.example", "https://page.example:8443", "https://page.example.org", "null", ""]
    {
        for response in
            [get(&films, "/films/995/", origin).await, preflight(&films, "/reviews/", origin).await]
        {
            assert_not_permitted(&response);
            assert_eq!(vary(&response), ["origin"], "{origin}");
        }
    }
    let response = films.get("/films/995/").await;
    assert_not_permitted(&response);
    assert_eq!(vary(&response), ["origin"]);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_preflight_permits_the_methods_of_the_path(pool: PgPool) {
    let films = films(&pool, PAGE).await;
    for (path, methods) in [("/reviews/", "POST, OPTIONS"), ("/films/", "GET, HEAD, OPTIONS")] {
        let response = preflight(&films, path, PAGE).await;
        assert_eq!((response.status, response.header("access-control-allow-origin")), (204, PAGE));
        assert_eq!(response.header("access-control-allow-methods"), methods);
        let sent = response.header("access-control-allow-headers");
        assert!(sent.contains("content-type") && sent.contains("if-none-match"), "{sent}");
        assert_eq!(response.header("access-control-max-age"), "7200");
    }
    // Without the header that makes it a preflight, OPTIONS lists the methods only.
    let plain = send(films.http, "OPTIONS", "/reviews/", &[("origin", PAGE)], "").await;
    assert_eq!((plain.header("allow"), plain.header("access-control-allow-methods")), ("POST, OPTIONS", ""));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_star_permits_every_origin(pool: PgPool) {
    let films = films(&pool, "*").await;
    let response = get(&films, "/films/995/", "https://any.example").await;
    assert_eq!((response.header("access-control-allow-origin"), vary(&response)), ("*", vec![]));
    let response = preflight(&films, "/reviews/", "null").await;
    assert_eq!(response.header("access-control-allow-origin"), "*");
    assert_eq!(response.header("access-control-allow-credentials"), "");
}

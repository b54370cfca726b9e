//! `/docs/`: Swagger UI, served by the instance itself.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{Response, send};

/// Returns the files that a page names in `src` and `href`.
fn linked(page: &str) -> Vec<String> {
    let values = page.split("src=\"").skip(1).chain(page.split("href=\"").skip(1));
    values.map(|rest| rest.split('"').next().unwrap().trim_start_matches("./").to_owned()).collect()
}

#[track_caller]
fn assert_is_asset(response: &Response, content_type: &str) {
    assert_eq!(response.status, 200, "{response:.300?}");
    assert!(response.header("content-type").starts_with(content_type), "{response:.300?}");
    assert_eq!(response.header("x-content-type-options"), "nosniff");
    assert_eq!(response.header("cache-control"), "no-cache");
    let policy = response.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'; img-src 'self' data:;"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_page_and_its_files_come_from_the_instance(pool: PgPool) {
    let films = Films::start(&pool).await;
    let page = films.get("/docs/").await;
    assert_is_asset(&page, "text/html");
    let files = linked(&page.body);
    assert_eq!(files.len(), 7, "{files:?}");
    for file in files {
        let (_, extension) = file.rsplit_once('.').unwrap();
        let content_type = match extension {
            "js" => "text/javascript",
            "css" => "text/css",
            "png" => continue,
            other => panic!("an unknown type: {other}"),
        };
        let path = format!("/docs/{file}");
        let gzip =
            send(films.http, "GET", &path, &[("accept-encoding", "gzip, deflate, br, zstd")], "").await;
        assert_is_asset(&gzip, content_type);
        let plain = films.get(&path).await;
        assert_is_asset(&plain, content_type);
        assert_eq!(plain.header("content-encoding"), "");
        assert!(plain.body == gzip.body && !plain.body.is_empty(), "{file} differs when it is compressed");
        let again = send(films.http, "GET", &path, &[("if-none-match", plain.header("etag"))], "").await;
        assert_eq!((again.status, again.header("content-encoding")), (304, ""), "{file}");
    }
    let initializer = films.get("/docs/swagger-initializer.js").await.body;
    assert!(initializer.contains(r#""url": "../openapi.json""#), "{initializer}");
    assert!(initializer.contains(r#""validatorUrl": "none""#), "{initializer}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn other_paths_below_docs_are_no_routes_and_one_time_series(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/docs/x", "/docs/../Cargo.toml", "/docs/index.html/x", "/docs/swagger-ui-es-bundle.js"] {
        films.get(path).await.problem(404, "no-such-route");
    }
    assert_eq!(films.get("/docs").await.header("location"), "/docs/");
    let page = films.admin("/metrics").await;
    let count = "http_server_request_duration_seconds_count";
    page.assert_sample(count, &[r#"http_route="/docs/{*file}""#, r#"http_response_status_code="404""#], 4);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_page_can_be_switched_off(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__UI", "false")]).await;
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css"] {
        films.get(path).await.problem(404, "no-such-route");
    }
    assert_eq!(films.get("/openapi.json").await.status, 200);
}

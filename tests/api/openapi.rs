//! `/openapi.json`: the description of the API. `cargo xtask schemathesis` compares the service with it.

use serde_json::Value;
use sqlx::PgPool;

use crate::support::http::send;
use crate::support::{Films, run, set};

const DOCUMENT: &str = include_str!("../../docs/openapi.json");

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_service_serves_the_committed_document(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = films.get("/openapi.json").await;
    assert_eq!((response.status, response.header("content-type")), (200, "application/json"));
    assert!(response.body == DOCUMENT, "docs/openapi.json is out of date: run `cargo xtask docs`");
    let printed = run(&set(&[]), &["openapi"]).await;
    assert_eq!((printed.code, printed.stdout.as_str()), (Some(0), DOCUMENT));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_document_can_be_revalidated(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = films.get("/openapi.json").await;
    let tag = response.header("etag");
    assert!(tag.starts_with('"') && tag.len() > 2, "{response:?}");
    assert_eq!(response.header("cache-control"), "no-cache");
    let again = send(films.http, "GET", "/openapi.json", &[("if-none-match", tag)], "").await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag));
    films.get("/openapi.json?x=1").await.problem(400, "invalid-query");
}

#[test]
fn the_document_has_the_version_and_the_licence_of_the_crate() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0");
}

//! The spans of a request and its query.

use serde_json::json;
use sqlx::PgPool;

use super::instances::{spawn, start};
use crate::support::collector::{Collector, GRPC, HTTP, SpanKind, StatusCode};
use crate::support::http::{REVIEW, send, send_h2};
use crate::support::unreachable::ClosedPort;
use crate::support::{Films, set};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_is_a_server_span_with_the_conventional_attributes(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[]).await;
        let headers = [("user-agent", "test/1")];
        assert_eq!(send(films.http, "GET", "/films/?year.gt=2010", &headers, "").await.status, 200);
        let span = collector.server_span().await;
        assert_eq!((span.name.as_str(), span.parent.as_str()), ("GET /films/", ""));
        assert_eq!(span.status, StatusCode::Unset);
        span.assert_attributes(&json!({
            "http.request.method": "GET",
            "http.route": "/films/",
            "http.response.status_code": 200,
            "url.scheme": "http",
            "url.path": "/films/",
            "url.query": "year.gt=2010",
            "network.protocol.version": "1.1",
            "network.peer.address": "127.0.0.1",
            "user_agent.original": "test/1",
        }));
        assert!(span.attributes["network.peer.port"].is_number(), "{span:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_is_named_after_its_route(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/{film_id}/");
    span.assert_attributes(&json!({"http.route": "/films/{film_id}/", "url.path": "/films/995/"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_without_a_route_is_named_after_its_method(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/nowhere/1/").await;
    let span = collector.server_span().await;
    assert_eq!((span.name.as_str(), span.attributes.get("http.route")), ("GET", None));
    span.assert_attributes(&json!({"url.path": "/nowhere/1/", "http.response.status_code": 404}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_has_host_and_port(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/").await;
    let expected = json!({"server.address": "127.0.0.1", "server.port": films.http.port()});
    collector.server_span().await.assert_attributes(&expected);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_of_http2_has_the_same_attributes(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send_h2(films.http, "GET", "/films/", "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/");
    span.assert_attributes(&json!({
        "network.protocol.version": "2",
        "url.path": "/films/",
        "server.address": "127.0.0.1",
        "server.port": films.http.port(),
    }));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_method_is_other_in_a_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "HTTP /films/");
    let expected = json!({"http.request.method": "_OTHER", "http.request.method_original": "BREW"});
    span.assert_attributes(&expected);
}

const FILM_QUERY: &str = r#"select version, film_id as "film_id?", release_year as "release_year?", title as "title?"
               from film_catalogue left join film on film_id = any($1)"#;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_query_is_a_client_span_below_its_request(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[]).await;
        films.get("/films/995/").await;
        let (request, query) = (collector.server_span().await, collector.client_span().await);
        assert_eq!((query.name.as_str(), query.status), ("SELECT film", StatusCode::Unset));
        collector.until_descends(&query, &request).await;
        let options = pool.connect_options();
        query.assert_attributes(&json!({
            "db.system.name": "postgresql",
            "db.namespace": options.get_database().unwrap(),
            "db.operation.name": "SELECT",
            "db.collection.name": "film",
            "db.query.summary": "SELECT film",
            "db.query.text": FILM_QUERY,
            "server.address": options.get_host(),
            "server.port": options.get_port(),
        }));
        // By the conventions, one operation is no batch.
        assert_eq!(query.attributes.get("db.operation.batch.size"), None, "{query:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn waiting_for_a_batch_is_an_internal_span_below_its_request(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let request = collector.server_span().await;
    let wait = collector.span(|span| span.name == "wait for batch").await;
    collector.until_descends(&wait, &request).await;
    assert_eq!(wait.kind, SpanKind::Internal);
    wait.assert_attributes(&json!({"query": "get_film"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_an_insert(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    assert_eq!((request.name.as_str(), query.name.as_str()), ("POST /reviews/", "INSERT review"));
    collector.until_descends(&query, &request).await;
    query.assert_attributes(&json!({"db.operation.name": "INSERT", "db.collection.name": "review"}));
    assert!(query.attributes["db.query.text"].as_str().unwrap().contains("insert into review"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_client_error_is_no_error_of_the_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/0/").await.problem(404, "no-such-film");
    let span = collector.server_span().await;
    assert_eq!((span.status, span.attributes.get("error.type")), (StatusCode::Unset, None));
    span.assert_attributes(&json!({"http.response.status_code": 404}));
}

#[tokio::test]
async fn a_server_error_is_an_error_of_request_and_query() {
    let collector = Collector::start(GRPC).await;
    let port = ClosedPort::reserve();
    let mut variables = set(&collector.variables());
    variables.extend(set(&[
        ("DATABASE_URL", &format!("postgres://{}/films", port.address())),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
    ]));
    let films = Films::spawn(&variables).await;
    films.get("/films/1/").await.problem(503, "unavailable");
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    for span in [&request, &query] {
        assert_eq!(span.status, StatusCode::Error, "{span:#?}");
        span.assert_attributes(&json!({"error.type": "unavailable"}));
    }
    request.assert_attributes(&json!({"http.response.status_code": 503}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_failed_query_has_the_code_of_postgres_on_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    films.get("/films/1/").await.problem(500, "internal");
    let query = collector.client_span().await;
    assert_eq!(query.status, StatusCode::Error);
    query.assert_attributes(&json!({"db.response.status_code": "42703", "error.type": "query"}));
}

//! The spans of a request and its query.

use super::*;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_is_a_server_span_by_the_conventions(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let films = start(&pool, &collector, &[]).await;
        let headers = [("user-agent", "test/1")];
        assert_eq!(send(films.http, "GET", "/films/?year.gt=2010", &headers, "").await.status, 200);
        let span = collector.server_span().await;
        assert_eq!((span.name.as_str(), span.parent.as_str()), ("GET /films/", ""));
        assert_eq!(span.status, StatusCode::Unset);
        assert_attributes(
            &span,
            &json!({
                "http.request.method": "GET",
                "http.route": "/films/",
                "http.response.status_code": 200,
                "url.scheme": "http",
                "url.path": "/films/",
                "url.query": "year.gt=2010",
                "network.protocol.version": "1.1",
                "network.peer.address": "127.0.0.1",
                "user_agent.original": "test/1",
            }),
        );
        assert!(span.attributes["network.peer.port"].is_number(), "{span:#?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_names_the_route_and_not_the_path(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/{film_id}/");
    assert_attributes(&span, &json!({"http.route": "/films/{film_id}/", "url.path": "/films/995/"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_path_without_a_route_gives_its_span_no_name(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/nowhere/1/").await;
    let span = collector.server_span().await;
    assert_eq!((span.name.as_str(), span.attributes.get("http.route")), ("GET", None));
    assert_attributes(&span, &json!({"url.path": "/nowhere/1/", "http.response.status_code": 404}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_tells_host_and_port_apart(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/").await;
    let expected = json!({"server.address": "127.0.0.1", "server.port": films.http.port()});
    assert_attributes(&collector.server_span().await, &expected);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_server_span_of_http2_is_the_same(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send_h2(films.http, "GET", "/films/", "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "GET /films/");
    assert_attributes(
        &span,
        &json!({
            "network.protocol.version": "2",
            "url.path": "/films/",
            "server.address": "127.0.0.1",
            "server.port": films.http.port(),
        }),
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invented_method_is_other_in_a_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    let span = collector.server_span().await;
    assert_eq!(span.name, "HTTP /films/");
    let expected = json!({"http.request.method": "_OTHER", "http.request.method_original": "BREW"});
    assert_attributes(&span, &expected);
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
        assert!(descends(&query, &request, &collector.spans()), "{:#?}", collector.spans());
        let options = pool.connect_options();
        assert_attributes(
            &query,
            &json!({
                "db.system.name": "postgresql",
                "db.namespace": options.get_database().unwrap(),
                "db.operation.name": "SELECT",
                "db.collection.name": "film",
                "db.query.summary": "SELECT film",
                "db.query.text": FILM_QUERY,
                "server.address": options.get_host(),
                "server.port": options.get_port(),
                "batch.size": 1,
            }),
        );
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn waiting_for_a_batch_is_a_span_below_its_request(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    films.get("/films/995/").await;
    let request = collector.server_span().await;
    let wait = collector.span(|span| span.name == "wait for batch").await;
    assert!(descends(&wait, &request, &collector.spans()), "{:#?}", collector.spans());
    assert_eq!(wait.kind, SpanKind::Internal);
    assert_attributes(&wait, &json!({"batch.name": "film"}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_an_insert(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[]).await;
    assert_eq!(films.post("/reviews/", r#"{"film_id":995,"rating":4}"#).await.status, 200);
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    assert_eq!((request.name.as_str(), query.name.as_str()), ("POST /reviews/", "INSERT review"));
    assert!(descends(&query, &request, &collector.spans()), "{:#?}", collector.spans());
    assert_attributes(&query, &json!({"db.operation.name": "INSERT", "db.collection.name": "review"}));
    assert!(query.attributes["db.query.text"].as_str().unwrap().contains("insert into review"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_mistake_of_the_client_is_no_error_of_the_server(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/0/").await.problem(404, "no-such-film");
    let span = collector.server_span().await;
    assert_eq!((span.status, span.attributes.get("error.type")), (StatusCode::Unset, None));
    assert_attributes(&span, &json!({"http.response.status_code": 404}));
}

#[tokio::test]
async fn a_failure_on_our_side_is_an_error_of_request_and_query() {
    let collector = Collector::start(GRPC).await;
    let films = spawn_without_database(&collector.variables()).await;
    films.get("/films/1/").await.problem(503, "unavailable");
    let (request, query) = (collector.server_span().await, collector.client_span().await);
    for span in [&request, &query] {
        assert_eq!(span.status, StatusCode::Error, "{span:#?}");
        assert_attributes(span, &json!({"error.type": "unavailable"}));
    }
    assert_attributes(&request, &json!({"http.response.status_code": 503}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_code_of_a_refused_query_is_on_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    films.get("/films/1/").await.problem(500, "internal");
    let query = collector.client_span().await;
    assert_eq!(query.status, StatusCode::Error);
    assert_attributes(&query, &json!({"db.response.status_code": "42703", "error.type": "query"}));
}

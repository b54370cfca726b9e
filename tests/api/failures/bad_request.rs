//! Requests that cannot be served as they were sent.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::database::count;
use crate::support::http::{REVIEW, raw, send};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_film_returns_404(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [0, 1001, i32::MAX] {
        let detail = films.get(&format!("/films/{id}/")).await.problem(404, "no-such-film");
        assert!(detail.contains(&id.to_string()), "{detail}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invalid_id_returns_400(pool: PgPool) {
    let films = Films::start(&pool).await;
    let arabic_three = "%D9%A3";
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
        arabic_three,
        "1e2",
    ] {
        let detail = films.get(&format!("/films/{id}/")).await.problem(400, "invalid-path");
        assert!(detail.contains("2147483647"), "{detail}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invalid_query_names_the_parameter(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (query, expected) in [
        ("year.gt=abc", "year.gt"),
        ("year.gt=", "year.gt"),
        ("year.gt=2000.5", "year.gt"),
        ("year.gt=99999999999", "year.gt"),
        ("year.gt=2000&year.gt=2001", "year.gt"),
        ("year=2000", "year"),
        ("year.gte=x", "year.gte"),
        ("year.lt=", "year.lt"),
        ("year.lte=1e3", "year.lte"),
        ("year.eq=2000", "year.eq"),
        ("title.prefix=", "title.prefix"),
        ("title.prefix=A%00", "title.prefix"),
        ("title.prefix=A&title.prefix=B", "title.prefix"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=4294967296", "limit"),
        ("after=x", "after"),
        ("%ff=1", ""),
    ] {
        let detail = films.get(&format!("/films/?{query}")).await.problem(400, "invalid-query");
        assert!(detail.contains(expected), "{query}: {detail}");
    }
    films.get("/films/995/?fields=title").await.problem(400, "invalid-query");
    films.post("/reviews/?dry=1", REVIEW).await.problem(400, "invalid-query");
    // The largest values are valid.
    let largest = format!("/films/?year.gt={0}&limit={0}&after={0}", i32::MAX);
    assert_eq!(films.get(&largest).await.body, "{}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn malformed_json_reports_the_position(pool: PgPool) {
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
async fn an_invalid_review_reports_the_reason(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (body, expected) in [
        (r#"{"film_id":995}"#, "rating"),
        (r#"{"rating":4}"#, "film_id"),
        (r#"{"film_id":"995","rating":4}"#, "string"),
        (r#"{"film_id":995,"rating":4.5}"#, "floating point"),
        (r#"{"film_id":2147483648.0,"rating":4}"#, "floating point"),
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
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    let detail = films.post("/reviews/", r#"{"film_id":4711,"rating":4}"#).await.problem(422, "unknown-film");
    assert!(detail.contains("4711"), "{detail}");
    assert_eq!(count(&pool, "review").await, 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_needs_the_content_type_of_json(pool: PgPool) {
    let films = Films::start(&pool).await;
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", ""] {
        let headers = [("content-type", content_type)];
        let response = send(films.http, "POST", "/reviews/", &headers, REVIEW).await;
        assert!(response.problem(415, "unsupported-media-type").contains("application/json"));
    }
    send(films.http, "POST", "/reviews/", &[], REVIEW).await.problem(415, "unsupported-media-type");
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let headers = [("content-type", content_type)];
        assert_eq!(send(films.http, "POST", "/reviews/", &headers, REVIEW).await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_compressed_body_is_refused(pool: PgPool) {
    let films = Films::start(&pool).await;
    let coded = async |codings: &[&str]| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(codings.iter().map(|coding| ("content-encoding", *coding)));
        send(films.http, "POST", "/reviews/", &headers, REVIEW).await
    };
    for codings in [&["gzip"][..], &["br"], &["identity, gzip"], &["identity", "gzip"], &[""]] {
        let response = coded(codings).await;
        let detail = response.problem(415, "unsupported-content-coding");
        assert!(detail.contains("content-encoding"), "{detail}");
        assert_eq!(response.header("accept-encoding"), "identity");
    }
    assert_eq!(count(&pool, "review").await, 0);
    for codings in [&[][..], &["identity"], &["Identity"]] {
        assert_eq!(coded(codings).await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_names_one_host(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (port, path) in [(films.http, "/films/995/"), (films.admin, "/healthz")] {
        let get = async |version: &str, headers: &str| {
            let request = format!("GET {path} {version}\r\n{headers}connection: close\r\n\r\n");
            raw(port, request.as_bytes()).await
        };
        for (version, headers) in [
            ("HTTP/1.1", ""),
            ("HTTP/1.1", "host: films\r\nhost: films\r\n"),
            ("HTTP/1.0", "host: a\r\nhost: b\r\n"),
        ] {
            let response = get(version, headers).await;
            assert!(response.contains(" 400 ") && response.contains("films:invalid-host"), "{response}");
        }
        for (version, headers) in
            [("HTTP/1.1", "host: films\r\n"), ("HTTP/1.1", "host:\r\n"), ("HTTP/1.0", "")]
        {
            let response = get(version, headers).await;
            assert!(response.contains(" 200 "), "{version} {headers}: {response}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_over_the_limit_is_refused(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__MAX_BODY_SIZE", "100")]).await;
    let padded = |size: usize| format!("{}{REVIEW}", " ".repeat(size - REVIEW.len()));
    assert_eq!(films.post("/reviews/", &padded(100)).await.status, 200);
    let detail = films.post("/reviews/", &padded(101)).await.problem(413, "body-too-large");
    assert!(detail.contains("100"), "{detail}");
    // A chunked body has no `Content-Length`, so the service learns the size only while it reads.
    let chunk = padded(101);
    let request = format!(
        "POST /reviews/ HTTP/1.1\r\nhost: films\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n",
        chunk.len()
    );
    let response = raw(films.http, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_wrong_method_gets_a_list_of_allowed_ones(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (method, path, allowed) in [
        ("POST", "/films/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/films/995/", "GET, HEAD, OPTIONS"),
        ("PUT", "/films/995/", "GET, HEAD, OPTIONS"),
        ("TRACE", "/films/", "GET, HEAD, OPTIONS"),
        ("BREW", "/films/", "GET, HEAD, OPTIONS"),
        ("GET", "/reviews/", "POST, OPTIONS"),
    ] {
        let response = send(films.http, method, path, &[], "").await;
        response.problem(405, "method-not-allowed");
        assert_eq!(response.header("allow"), allowed, "{method} {path}");
    }
    let response = send(films.admin, "POST", "/readyz", &[], "").await;
    response.problem(405, "method-not-allowed");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_route_returns_404(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/nope", "/films/1/2/", "//films/", "/films/995/reviews/x", "/healthz", "/metrics"] {
        films.get(path).await.problem(404, "no-such-route");
    }
    films.admin("/films/").await.problem(404, "no-such-route");
}

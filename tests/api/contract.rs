//! Successful requests: status, headers and bodies, byte for byte.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{raw, send, send_h2};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_film_is_json(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = films.get("/films/995/").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.body, r#"{"film_id":995,"release_year":2006,"title":"Sleeping Horizon"}"#);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_integer_may_be_written_with_a_fraction_of_zero(pool: PgPool) {
    let films = Films::start(&pool).await;
    for body in [r#"{"film_id":995.0,"rating":4e0}"#, r#"{"film_id":995,"rating":40.0e-1}"#] {
        let response = films.post("/reviews/", body).await;
        assert_eq!(
            (response.status, response.body.as_str()),
            (200, r#"{"film_id":995,"rating":4}"#),
            "{body}"
        );
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_list_has_every_film_after_2000_by_ascending_id(pool: PgPool) {
    sqlx::query(
        "insert into film (film_id, title, release_year) values
         (2001, 'Say \"hello\"', 2024), (-7, 'Ångström ☕', 2001), (2002, 'Too Old', 2000), (2003, 'When?', null)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let films = Films::start(&pool).await;
    let response = films.get("/films/").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(
        response.body,
        concat!(
            r#"{"-7":{"release_year":2001,"title":"Ångström ☕"},"#,
            r#""2001":{"release_year":2024,"title":"Say \"hello\""}}"#
        )
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_seeded_list_has_1000_films(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = films.get("/films/").await;
    assert_eq!(response.json().as_object().unwrap().len(), 1000);
    let ids: Vec<i32> = response
        .body
        .split("},\"")
        .map(|part| part.trim_start_matches("{\"").split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, (1..=1000).collect::<Vec<_>>());
    assert!(response.body.starts_with(r#"{"1":{"release_year":2006,"title":""#), "{:.80}", response.body);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_list_is_filtered_by_year(pool: PgPool) {
    let films = Films::start(&pool).await;
    let count =
        async |query: &str| films.get(&format!("/films/{query}")).await.json().as_object().unwrap().len();
    assert_eq!(count("?year.gt=2000").await, 1000);
    assert_eq!(count("?year.gt=2014").await, 0);
    assert_eq!(count("?year.gt=-1").await, 1000);
    let after_2010 = films.get("/films/?year.gt=2010").await.json();
    let after_2010 = after_2010.as_object().unwrap();
    assert!((1..1000).contains(&after_2010.len()));
    assert!(after_2010.values().all(|film| film["release_year"].as_i64().unwrap() > 2010));
    assert_eq!(films.get("/films/?year.gt=2014").await.body, "{}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pages_link_to_the_next_until_the_last(pool: PgPool) {
    let films = Films::start(&pool).await;
    let whole = films.get("/films/?year.gt=2005").await.json();
    let mut path = "/films/?year.gt=2005&limit=100".to_owned();
    let mut pages = serde_json::Map::new();
    loop {
        let page = films.get(&path).await;
        assert!(page.json().as_object().unwrap().len() <= 100);
        pages.extend(page.json().as_object().unwrap().clone());
        let link = page.header("link");
        if link.is_empty() {
            break;
        }
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(serde_json::Value::from(pages), whole);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_full_last_page_has_no_link(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.get("/films/?limit=1000").await.header("link"), "");
    assert_ne!(films.get("/films/?limit=999").await.header("link"), "");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_committed_before_the_response(pool: PgPool) {
    let films = Films::start(&pool).await;
    for rating in 1..=5 {
        let body = format!(r#"{{"film_id":995,"rating":{rating}}}"#);
        let response = films.post("/reviews/", &body).await;
        assert_eq!((response.status, response.body.as_str()), (200, body.as_str()));
        assert_eq!(response.header("content-type"), "application/json");
        let stored = "select count(*) from review where film_id = 995 and rating = $1";
        let stored: i64 = sqlx::query_scalar(stored).bind(rating).fetch_one(&pool).await.unwrap();
        assert_eq!(stored, 1);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_path_without_its_slash_is_redirected(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (method, path, location) in [
        ("GET", "/films", "/films/"),
        ("GET", "/films?year.gt=2010&limit=3", "/films/?year.gt=2010&limit=3"),
        ("GET", "/films/995", "/films/995/"),
        ("HEAD", "/films/995", "/films/995/"),
        ("POST", "/reviews", "/reviews/"),
    ] {
        let response = send(films.http, method, path, &[], "").await;
        assert_eq!((response.status, response.header("location")), (308, location), "{method} {path}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn head_has_the_headers_of_get_and_no_body(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/films/", "/films/995/", "/films", "/films/9999/", "/films/x/", "/nothing/", "/reviews/"] {
        let get = films.get(path).await;
        for head in
            [send(films.http, "HEAD", path, &[], "").await, send_h2(films.http, "HEAD", path, "").await]
        {
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            for name in ["content-length", "content-type", "etag", "allow", "location"] {
                assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            }
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn options_lists_the_methods_of_a_path(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (path, allowed) in [
        ("/films/", "GET, HEAD, OPTIONS"),
        ("/films/995/", "GET, HEAD, OPTIONS"),
        ("/reviews/", "POST, OPTIONS"),
    ] {
        let response = send(films.http, "OPTIONS", path, &[], "").await;
        assert_eq!((response.status, response.header("allow")), (204, allowed), "{path}");
        assert_eq!((response.body.as_str(), response.header("content-length")), ("", ""), "{path}");
    }
    send(films.http, "OPTIONS", "/nothing/", &[], "").await.problem(404, "no-such-route");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn http2_with_prior_knowledge_has_the_same_bodies(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(send_h2(films.http, "GET", "/films/995/", "").await.body, films.get("/films/995/").await.body);
    assert_eq!(send_h2(films.http, "GET", "/films/", "").await.body, films.get("/films/").await.body);
    let review = r#"{"film_id":1,"rating":5}"#;
    assert_eq!(send_h2(films.http, "POST", "/reviews/", review).await.body, review);
    send_h2(films.http, "GET", "/films/0/", "").await.problem(404, "no-such-film");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pipelined_requests_get_responses_in_order(pool: PgPool) {
    let films = Films::start(&pool).await;
    let request = |id: i32, more: &str| format!("GET /films/{id}/ HTTP/1.1\r\nhost: films\r\n{more}\r\n");
    let responses =
        raw(films.http, format!("{}{}", request(3, ""), request(4, "connection: close\r\n")).as_bytes())
            .await;
    let third = responses.find(r#"{"film_id":3,"#).expect("a response for 3");
    let fourth = responses.find(r#"{"film_id":4,"#).expect("a response for 4");
    assert!(third < fourth, "{responses}");
}

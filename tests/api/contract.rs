//! DESIGN's wire contract, byte for byte.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{raw, send, send_h2};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn one_film(pool: PgPool) {
    let films = Films::start(&pool).await;
    let answer = films.get("/films/995/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, r#"{"film_id":995,"release_year":2006,"title":"Sleeping Horizon"}"#);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_list_has_every_film_after_2000_in_ascending_order(pool: PgPool) {
    sqlx::query(
        "insert into film (film_id, title, release_year) values
         (2001, 'Say \"hello\"', 2024), (-7, 'Ångström ☕', 2001), (2002, 'Too Old', 2000), (2003, 'When?', null)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let films = Films::start(&pool).await;
    let answer = films.get("/films/").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.body,
        concat!(
            r#"{"-7":{"release_year":2001,"title":"Ångström ☕"},"#,
            r#""2001":{"release_year":2024,"title":"Say \"hello\""}}"#
        )
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_seeded_list_has_a_thousand_films(pool: PgPool) {
    let films = Films::start(&pool).await;
    let answer = films.get("/films/").await;
    assert_eq!(answer.json().as_object().unwrap().len(), 1000);
    let ids: Vec<i32> = answer
        .body
        .split("},\"")
        .map(|part| part.trim_start_matches("{\"").split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, (1..=1000).collect::<Vec<_>>());
    assert!(answer.body.starts_with(r#"{"1":{"release_year":2006,"title":""#), "{:.80}", answer.body);
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
async fn pages_follow_one_another_to_the_end(pool: PgPool) {
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
async fn a_last_page_that_is_full_has_no_next(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.get("/films/?limit=1000").await.header("link"), "");
    assert_ne!(films.get("/films/?limit=999").await.header("link"), "");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_is_committed_before_it_is_answered(pool: PgPool) {
    let films = Films::start(&pool).await;
    for rating in 1..=5 {
        let body = format!(r#"{{"film_id":995,"rating":{rating}}}"#);
        let answer = films.post("/reviews/", &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body.as_str()));
        assert_eq!(answer.header("content-type"), "application/json");
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
        let answer = send(films.http, method, path, &[], "").await;
        assert_eq!((answer.status, answer.header("location")), (308, location), "{method} {path}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn head_is_get_without_the_body(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/films/", "/films/995/"] {
        let get = films.get(path).await;
        let head = send(films.http, "HEAD", path, &[], "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn http2_with_prior_knowledge_is_the_same(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(send_h2(films.http, "GET", "/films/995/", "").await.body, films.get("/films/995/").await.body);
    assert_eq!(send_h2(films.http, "GET", "/films/", "").await.body, films.get("/films/").await.body);
    let review = r#"{"film_id":1,"rating":5}"#;
    assert_eq!(send_h2(films.http, "POST", "/reviews/", review).await.body, review);
    send_h2(films.http, "GET", "/films/0/", "").await.problem(404, "no-such-film");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_on_one_connection_are_answered_in_their_order(pool: PgPool) {
    let films = Films::start(&pool).await;
    let request = |id: i32, more: &str| format!("GET /films/{id}/ HTTP/1.1\r\nhost: films\r\n{more}\r\n");
    let answers =
        raw(films.http, format!("{}{}", request(3, ""), request(4, "connection: close\r\n")).as_bytes())
            .await;
    let third = answers.find(r#"{"film_id":3,"#).expect("an answer for 3");
    let fourth = answers.find(r#"{"film_id":4,"#).expect("an answer for 4");
    assert!(third < fourth, "{answers}");
}

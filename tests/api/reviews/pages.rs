//! What a page of reviews contains, and how it leads to the next one.

use serde_json::{Value, json};
use sqlx::{Executor as _, PgPool};

use crate::support::Films;
use crate::support::http::{Response, send};

const PATH: &str = "/films/7/reviews/";

/// Stores this many reviews of film 7, with the ratings 1 to 5 in turn, and some of another film.
async fn store(pool: &PgPool, count: i32) {
    let sql = "insert into review (film_id, rating) select 7, 1 + n % 5 from generate_series(0, $1 - 1) n";
    sqlx::query(sql).bind(count).execute(pool).await.unwrap();
    pool.execute("insert into review (film_id, rating) values (8, 3), (8, 3)").await.unwrap();
}

/// Returns the path of the next page.
fn next(response: &Response) -> Option<String> {
    let link = response.header("link").strip_prefix('<')?;
    link.strip_suffix(">; rel=\"next\"").map(str::to_owned)
}

fn ids(body: &Value) -> Vec<i64> {
    body["reviews"].as_array().unwrap().iter().map(|review| review["review_id"].as_i64().unwrap()).collect()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_film_without_reviews_has_an_empty_page(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = films.get(PATH).await;
    assert_eq!(
        (response.status, response.body.as_str()),
        (
            200,
            r#"{"average":null,"count":0,"film_id":7,"ratings":{"1":0,"2":0,"3":0,"4":0,"5":0},"reviews":[]}"#
        )
    );
    assert_eq!(next(&response), None);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stored_review_is_listed_with_its_rating_and_time(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.post("/reviews/", r#"{"film_id":7,"rating":4}"#).await.status, 200);
    let body = films.get(PATH).await.json();
    assert_eq!(body["average"], 4.0);
    assert_eq!(body["ratings"], json!({"1": 0, "2": 0, "3": 0, "4": 1, "5": 0}));
    assert_eq!(body["reviews"][0]["rating"], 4);
    let age: f64 = sqlx::query_scalar("select extract(epoch from now() - $1::text::timestamptz)::float8")
        .bind(body["reviews"][0]["created_at"].as_str().unwrap())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!((0.0..300.0).contains(&age), "{body}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pages_contain_each_review_once_and_the_newest_first(pool: PgPool) {
    let films = Films::start(&pool).await;
    store(&pool, 45).await;
    let all: Vec<i64> =
        sqlx::query_scalar("select review_id from review where film_id = 7 order by review_id desc")
            .fetch_all(&pool)
            .await
            .unwrap();
    for (first, pages) in [("", 3), ("?limit=100", 1), ("?limit=45", 1), ("?limit=44", 2), ("?limit=1", 45)] {
        let mut path = Some(format!("{PATH}{first}"));
        let mut found = Vec::new();
        for _ in 0..pages {
            let response = films.get(&path.unwrap()).await;
            let body = response.json();
            assert_eq!((response.status, &body["count"], &body["average"]), (200, &json!(45), &json!(3.0)));
            found.extend(ids(&body));
            path = next(&response);
        }
        assert_eq!((found, path), (all.clone(), None), "{first}");
    }
    let before_all = films.get(&format!("{PATH}?before={}", i64::MIN)).await;
    assert_eq!((ids(&before_all.json()), before_all.json()["count"].as_i64()), (vec![], Some(45)));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_page_has_an_etag_and_is_compressed_like_a_list(pool: PgPool) {
    let films = Films::start(&pool).await;
    store(&pool, 100).await;
    let path = &format!("{PATH}?limit=100");
    let plain = films.get(path).await;
    let coded = send(films.http, "GET", path, &[("accept-encoding", "gzip")], "").await;
    assert_eq!((coded.header("content-encoding"), coded.header("vary")), ("gzip", "accept-encoding"));
    assert_eq!(plain.body, coded.body);
    assert_ne!(plain.header("etag"), coded.header("etag"));
    let tag = plain.header("etag");
    for method in ["GET", "HEAD"] {
        let again = send(films.http, method, path, &[("if-none-match", tag)], "").await;
        assert_eq!((again.status, again.header("etag")), (304, tag));
    }
    // Reviews of other films leave the tag as it is.
    assert_eq!(films.post("/reviews/", r#"{"film_id":8,"rating":4}"#).await.status, 200);
    assert_eq!(films.get(path).await.header("etag"), tag);
    assert_eq!(films.post("/reviews/", r#"{"film_id":7,"rating":4}"#).await.status, 200);
    let changed = send(films.http, "GET", path, &[("if-none-match", tag)], "").await;
    assert_eq!((changed.status, changed.json()["count"].as_i64()), (200, Some(101)));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_film_and_an_invalid_query_are_refused(pool: PgPool) {
    let films = Films::start(&pool).await;
    // Twice: that there is no such film is remembered only for as long as it is true.
    for _ in 0..2 {
        films.get("/films/999999/reviews/").await.problem(404, "no-such-film");
    }
    pool.execute("insert into film (film_id, title) values (999999, 'Later')").await.unwrap();
    assert_eq!(films.get("/films/999999/reviews/").await.status, 200);
    films.get("/films/x/reviews/").await.problem(400, "invalid-path");
    for query in
        ["limit=0", "limit=101", "limit=x", "limit=", "before=x", "before=9223372036854775808", "page=1"]
    {
        let detail = films.get(&format!("{PATH}?{query}")).await.problem(400, "invalid-query");
        assert!(detail.contains("expected"), "{query}: {detail}");
    }
}

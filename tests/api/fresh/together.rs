//! Requests that share a query.

use futures_util::future::{join, join_all};
use serde_json::{Map, Value, json};
use sqlx::{Executor as _, PgPool};

use super::catalogue::ten_films;
use crate::support::Films;
use crate::support::database::{lock_table, until_blocked};
use crate::support::http::Response;

/// One thread and one connection: requests that arrive during a query are one batch.
const ONE_BATCH: [(&str, &str); 2] = [("FILMS__HTTP__THREADS", "1"), ("FILMS__DATABASE__POOL_SIZE", "1")];

/// Sends the requests so that all but the first share a query: the first query waits for a lock until
/// the others are queued.
async fn together(pool: &PgPool, films: &Films, queue: &str, paths: &[String]) -> Vec<Response> {
    let lock = lock_table(pool, "film").await;
    let first = films.get(&paths[0]);
    let others = async {
        until_blocked(pool).await;
        let requests = join_all(paths[1..].iter().map(|path| films.get(path)));
        let release = async {
            films.until_queued(queue, paths.len() - 1).await;
            lock.rollback().await.unwrap();
        };
        join(requests, release).await.0
    };
    let (first, others) = join(first, others).await;
    [vec![first], others].concat()
}

/// Some films are cached, some are read, some do not exist, and some are requested twice.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_request_gets_its_own_film(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &ONE_BATCH).await;
    for cached in [2, 9, 404] {
        films.get(&format!("/films/{cached}/")).await;
    }
    let ids = [3, 5, 1, 2, 404, 7, 1, 405, 9, 8, 2, 7, 404, 10, 405];
    let responses = together(&pool, &films, "get_film", &ids.map(|id| format!("/films/{id}/"))).await;
    assert_eq!(responses.len(), ids.len());
    for (id, response) in ids.into_iter().zip(responses) {
        let expected = if id <= 10 { (200, json!(id)) } else { (404, Value::Null) };
        assert_eq!((response.status, response.json()["film_id"].clone()), expected);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_request_gets_its_own_list(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &ONE_BATCH).await;
    films.get("/films/?limit=2").await;
    let limits = [3, 5, 1, 2, 7, 1, 9, 2, 8];
    let paths = limits.map(|limit| format!("/films/?limit={limit}"));
    let responses = together(&pool, &films, "list_films", &paths).await;
    assert_eq!(responses.len(), limits.len());
    for (limit, response) in limits.into_iter().zip(responses) {
        assert_eq!(response.json().as_object().unwrap().len(), limit);
    }
}

/// The timeout holds for each list, not for all lists of a batch. Each list takes one second here, so a
/// batch of seven would exceed the six seconds.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn slow_lists_in_one_batch_do_not_time_out(pool: PgPool) {
    ten_films(&pool).await;
    let timeout = ("FILMS__DATABASE__QUERY_TIMEOUT", "6s");
    let films = Films::start_with(&pool, &[ONE_BATCH[0], ONE_BATCH[1], timeout]).await;
    pool.execute(
        "alter table film rename to fast_film;
         create view film as with pause as materialized (select pg_sleep(1))
           select film_id, title, release_year from fast_film cross join pause",
    )
    .await
    .unwrap();
    let responses = join_all((0..8).map(async |year: i32| {
        let response = films.get(&format!("/films/?year.gt={year}")).await;
        (response.status, response.json().as_object().map(Map::len))
    }))
    .await;
    assert_eq!(responses, [(200, Some(10)); 8]);
}

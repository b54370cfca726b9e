//! Requests that share a query.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::sleep;

use super::ten_films;
use crate::support::Films;
use crate::support::http::Answer;

/// Asks for all of these at once, while the first query holds the only connection and the others
/// gather.
async fn together(pool: &PgPool, films: &Films, paths: &[String]) -> Vec<Answer> {
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let asked = join_all(paths.iter().map(|path| films.get(path)));
    let unlock = async {
        sleep(Duration::from_millis(500)).await;
        lock.rollback().await.unwrap();
    };
    tokio::join!(asked, unlock).0
}

const ONE_BATCH: [(&str, &str); 2] = [("FILMS__HTTP__THREADS", "1"), ("FILMS__DATABASE__POOL_SIZE", "1")];

/// Some of the answers are kept, some are read, some are of no film, and some are asked for twice.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_gets_the_film_that_it_asked_for(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &ONE_BATCH).await;
    for kept in [2, 9, 404] {
        films.get(&format!("/films/{kept}/")).await;
    }
    let ids = [5, 1, 2, 404, 7, 1, 405, 9, 8, 2, 7, 404, 10, 405];
    let answers = together(&pool, &films, &ids.map(|id| format!("/films/{id}/"))).await;
    assert_eq!(answers.len(), ids.len());
    for (id, answer) in ids.into_iter().zip(answers) {
        let expected = if id <= 10 { (200, json!(id)) } else { (404, Value::Null) };
        assert_eq!((answer.status, answer.json()["film_id"].clone()), expected);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_gets_the_list_that_it_asked_for(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &ONE_BATCH).await;
    films.get("/films/?limit=2").await;
    let limits = [5, 1, 2, 7, 1, 9, 2, 8];
    let answers = together(&pool, &films, &limits.map(|limit| format!("/films/?limit={limit}"))).await;
    assert_eq!(answers.len(), limits.len());
    for (limit, answer) in limits.into_iter().zip(answers) {
        assert_eq!(answer.json().as_object().unwrap().len(), limit);
    }
}

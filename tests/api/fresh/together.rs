//! Requests that share a query.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::sleep;

use super::ten_films;
use crate::support::Films;

/// Some of the answers are kept, some are read, some are of no film, and some are asked for twice.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_gets_the_film_that_it_asked_for(pool: PgPool) {
    ten_films(&pool).await;
    let settings = [("FILMS__HTTP__THREADS", "1"), ("FILMS__DATABASE__POOL_SIZE", "1")];
    let films = Films::start_with(&pool, &settings).await;
    for kept in [2, 9, 404] {
        films.get(&format!("/films/{kept}/")).await;
    }
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let ids = [5, 1, 2, 404, 7, 1, 405, 9, 8, 2, 7, 404, 10, 405];
    let asked = join_all(ids.map(async |id: i32| (id, films.get(&format!("/films/{id}/")).await)));
    let unlock = async {
        // The first holds the only connection until then, and the others gather.
        sleep(Duration::from_millis(500)).await;
        lock.rollback().await.unwrap();
    };
    for (id, answer) in tokio::join!(asked, unlock).0 {
        let expected = if id <= 10 { (200, json!(id)) } else { (404, Value::Null) };
        assert_eq!((answer.status, answer.json()["film_id"].clone()), expected);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_gets_the_list_that_it_asked_for(pool: PgPool) {
    ten_films(&pool).await;
    let settings = [("FILMS__HTTP__THREADS", "1"), ("FILMS__DATABASE__POOL_SIZE", "1")];
    let films = Films::start_with(&pool, &settings).await;
    films.get("/films/?limit=2").await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let limits = [5, 1, 2, 7, 1, 9, 2, 8];
    let asked =
        join_all(limits.map(async |limit| (limit, films.get(&format!("/films/?limit={limit}")).await)));
    let unlock = async {
        sleep(Duration::from_millis(500)).await;
        lock.rollback().await.unwrap();
    };
    for (limit, answer) in tokio::join!(asked, unlock).0 {
        assert_eq!(answer.json().as_object().unwrap().len(), limit);
    }
}

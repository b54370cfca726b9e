//! While a trigger is missing or disabled, changes leave no trace in the version. Then nothing is cached.

use sqlx::PgPool;

use super::catalogue::{PATHS, set_title, ten_films};
use crate::support::Films;
use crate::support::http::send;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn films_are_not_cached_while_a_trigger_is_disabled(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let mut etags = Vec::new();
    for path in PATHS {
        etags.push(films.get(path).await.header("etag").to_owned());
    }
    for statement in ["alter table film disable trigger all", "alter table film enable trigger all"] {
        let disabled = statement.contains("disable");
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
        if disabled {
            films.until_readiness(|response| response.json()["database"] == "untracked").await;
            for title in 1..4 {
                set_title(&mut connection, 7, title).await.unwrap();
                for (path, etag) in PATHS.iter().zip(&etags) {
                    let fresh = send(films.http, "GET", path, &[("if-none-match", etag)], "").await;
                    assert_eq!(fresh.status, 200, "{path}");
                    assert!(fresh.body.contains(&format!("\"title\":\"{title}\"")), "{path}: {}", fresh.body);
                    let again =
                        send(films.http, "GET", path, &[("if-none-match", fresh.header("etag"))], "").await;
                    assert_eq!(again.status, 200, "{path}");
                }
            }
        } else {
            films.until_ready().await;
            for path in PATHS {
                assert!(films.get(path).await.body.contains("\"title\":\"3\""), "{path}");
            }
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_swapped_table_is_served_as_soon_as_a_check_has_noticed_the_swap(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    assert!(films.get("/films/7/").await.body.contains("\"title\":\"0\""));
    sqlx::raw_sql(
        "create table other (like film including all); insert into other select * from film;
         update other set title = 'swapped' where film_id = 7;
         alter table film rename to old; alter table other rename to film;",
    )
    .execute(&pool)
    .await
    .unwrap();
    films.until_readiness(|response| response.json()["database"] == "untracked").await;
    assert!(films.get("/films/7/").await.body.contains("swapped"));
    sqlx::raw_sql("drop table review; drop table old, film").execute(&pool).await.unwrap();
    films.until_readiness(|response| response.json()["database"] == "unusable").await;
    films.get("/films/7/").await.problem(503, "unavailable");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_response_cached_before_a_trigger_was_disabled_is_not_used_afterwards(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    assert!(films.get("/films/7/").await.body.contains("\"title\":\"0\""));
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("alter table film disable trigger all").execute(&mut *connection).await.unwrap();
    films.until_readiness(|response| response.json()["database"] == "untracked").await;
    // No request reads the film meanwhile, and the version stays the same.
    set_title(&mut connection, 7, 1).await.unwrap();
    sqlx::query("alter table film enable trigger all").execute(&mut *connection).await.unwrap();
    films.until_ready().await;
    assert!(films.get("/films/7/").await.body.contains("\"title\":\"1\""));
}

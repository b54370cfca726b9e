//! PgBouncer in transaction mode, where each transaction may get another session of Postgres.

use futures_util::future::join_all;
use sqlx::PgPool;

use crate::support::database::{count, lock_table, until_none_blocked};
use crate::support::pgbouncer::PgBouncer;
use crate::support::{Films, run, set, variables};

const UNPREPARED: (&str, &str) = ("FILMS__DATABASE__PREPARED_STATEMENTS", "false");

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_are_served_without_prepared_statements(pool: PgPool) {
    let Some(bouncer) = PgBouncer::start(&pool).await else { return };
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let mut variables = bouncer.variables(&pool);
    variables.extend(set(&[UNPREPARED, ("FILMS__DATABASE__MAX_BATCH_SIZE", "1")]));
    let both = [Films::spawn(&variables).await, Films::spawn(&variables).await];
    sqlx::query("alter table review add constraint kind check (rating > 2)").execute(&pool).await.unwrap();
    for films in &both {
        films.until_ready().await;
    }
    let responses = join_all((0..300).map(async |n| {
        let films = &both[n / 6 % 2];
        match n % 6 {
            0 => (200, films.get(&format!("/films/{}/", n + 1)).await),
            1 => (200, films.get("/films/?limit=20").await),
            2 => (200, films.post("/reviews/", &format!(r#"{{"film_id":{},"rating":4}}"#, n + 1)).await),
            3 => (422, films.post("/reviews/", r#"{"film_id":5000,"rating":4}"#).await),
            4 => (200, films.post_keyed(&(n % 10).to_string(), r#"{"film_id":7,"rating":5}"#).await),
            _ => (422, films.post("/reviews/", r#"{"film_id":7,"rating":1}"#).await),
        }
    }))
    .await;
    for (status, response) in responses {
        assert_eq!(response.status, status, "{response:?}");
    }
    // 50 without a key, and one for each of 5 keys.
    assert_eq!(count(&pool, "review").await, 55);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_query_that_is_given_up_frees_the_session(pool: PgPool) {
    let Some(bouncer) = PgBouncer::start(&pool).await else { return };
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let mut variables = bouncer.variables(&pool);
    variables.extend(set(&[UNPREPARED, ("FILMS__DATABASE__QUERY_TIMEOUT", "1s")]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    let lock = lock_table(&pool, "film").await;
    films.get("/films/995/").await.problem(503, "unavailable");
    until_none_blocked(&pool).await;
    lock.rollback().await.unwrap();
    films.until_status("/films/995/", 200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_setting_that_a_pooler_needs_is_named(pool: PgPool) {
    let Some(bouncer) = PgBouncer::start(&pool).await else { return };
    let films = Films::spawn(&bouncer.variables(&pool)).await;
    let report = films.until_readiness(|response| response.json()["database"] == "down").await;
    let reason = report.json()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("database.prepared_statements = false"), "{reason}");

    let refused = run(&bouncer.variables(&pool), &["migrate"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("the URL of Postgres itself"), "{refused:?}");
}

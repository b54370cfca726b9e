//! Reviews of a film that another transaction has locked.

use futures_util::future::join_all;
use sqlx::{PgPool, Postgres, Transaction};

use crate::support::Films;
use crate::support::database::count;

const LOCKED: &str = r#"{"film_id":7,"rating":5}"#;

async fn lock_film_7(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("select from film where film_id = 7 for update").execute(&mut *transaction).await.unwrap();
    transaction
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn reviews_of_other_films_do_not_wait(pool: PgPool) {
    for max_batch_size in ["256", "1"] {
        let films = Films::start_with(&pool, &[("FILMS__DATABASE__MAX_BATCH_SIZE", max_batch_size)]).await;
        let before = count(&pool, "review").await;
        let lock = lock_film_7(&pool).await;
        let waiting = join_all((0..20).map(|_| films.post("/reviews/", LOCKED)));
        let others = async {
            for film_id in 100..150 {
                let body = format!(r#"{{"film_id":{film_id},"rating":3}}"#);
                assert_eq!(films.post("/reviews/", &body).await.status, 200);
            }
            // Only reviews of other films are stored while the lock is held.
            assert_eq!(count(&pool, "review").await, before + 50);
            lock.rollback().await.unwrap();
        };
        let (waited, ()) = tokio::join!(waiting, others);
        assert!(waited.iter().all(|response| response.status == 200), "{waited:?}");
        assert_eq!(count(&pool, "review").await, before + 70);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_waits_for_the_lock_no_longer_than_a_query(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "1s")]).await;
    let lock = lock_film_7(&pool).await;
    films.post("/reviews/", LOCKED).await.problem(503, "unavailable");
    let labels = ["query=\"create_review\"", "error_type=\"film_locked\""];
    films.admin("/metrics").await.assert_sample("films_query_failures_total", &labels, 1);
    assert_eq!(count(&pool, "review").await, 0);
    lock.rollback().await.unwrap();
    films.until_posted(200).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_film_that_is_deleted_while_its_review_waits_does_not_exist(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut lock = lock_film_7(&pool).await;
    let delete = async {
        // The review is posted again and again meanwhile.
        films.until_batches("create_review", 3).await;
        sqlx::query("delete from film where film_id = 7").execute(&mut *lock).await.unwrap();
        lock.commit().await.unwrap();
    };
    let (response, ()) = tokio::join!(films.post("/reviews/", LOCKED), delete);
    response.problem(422, "unknown-film");
}

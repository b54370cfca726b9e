//! An acknowledged review is in the next read, at any instance and whoever stored it.

use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join_all;
use sqlx::{Executor as _, PgPool};

use crate::support::Films;

const PATH: &str = "/films/7/reviews/";
const REVIEW: &str = r#"{"film_id":7,"rating":4}"#;

async fn count(films: &Films) -> i64 {
    let response = films.get(PATH).await;
    assert_eq!(response.status, 200, "{response:?}");
    let body = response.json();
    let numbers = body["ratings"].as_object().unwrap().values();
    assert_eq!(numbers.map(|number| number.as_i64().unwrap()).sum::<i64>(), body["count"].as_i64().unwrap());
    body["count"].as_i64().unwrap()
}

/// Readers compare each response with the number of reviews that were acknowledged before the request.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_read_of_reviews_is_stale(pool: PgPool) {
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let acknowledged = AtomicI64::new(0);
    let (writers, reads) = (8, 100);
    let write = async |films: &Films| {
        for _ in 0..40 {
            assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    };
    let read = async |films: &Films| {
        let mut last = 0;
        for _ in 0..reads {
            let least = acknowledged.load(Ordering::SeqCst).max(last);
            last = count(films).await;
            assert!(last >= least, "{last} of {least}");
        }
    };
    let both = instances.iter().cycle().take(writers);
    tokio::join!(join_all(both.clone().map(write)), join_all(both.map(read)));
    for films in &instances {
        assert_eq!(count(films).await, 40 * i64::try_from(writers).unwrap());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_change_by_sql_is_in_the_next_read(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (statement, expected) in [
        ("insert into review (film_id, rating) select 7, 5 from generate_series(1, 100)", (100, Some(5.0))),
        (
            "update review set rating = 1 where review_id in (select review_id from review limit 50)",
            (100, Some(3.0)),
        ),
        ("delete from review where rating = 5", (50, Some(1.0))),
        (
            "update review set film_id = 8 where review_id in (select review_id from review limit 30)",
            (20, Some(1.0)),
        ),
        (
            "with moved as (delete from review where film_id = 8) insert into review (film_id, rating) values (7, 4)",
            (21, Some(1.14)),
        ),
        ("truncate review", (0, None)),
        ("insert into review (film_id, rating) values (7, 2)", (1, Some(2.0))),
    ] {
        let before = films.get(PATH).await;
        pool.execute(statement).await.unwrap();
        let after = films.get(PATH).await;
        let body = after.json();
        assert_eq!((body["count"].as_i64().unwrap(), body["average"].as_f64()), expected, "{statement}");
        assert_ne!(before.header("etag"), after.header("etag"), "{statement}");
    }
    let before = films.get(PATH).await;
    pool.execute("update review set created_at = null").await.unwrap();
    let after = films.get(PATH).await;
    assert!(before.json()["reviews"][0]["created_at"].is_string(), "{before:?}");
    assert!(after.json()["reviews"][0]["created_at"].is_null(), "{after:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_open_transaction_holds_up_no_review_of_its_film(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut transaction = pool.begin().await.unwrap();
        transaction.execute("insert into review (film_id, rating) values (7, 1), (8, 1)").await.unwrap();
        open.push(transaction);
    }
    for stored in 2..20 {
        assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
        assert_eq!(count(&films).await, stored);
    }
    for transaction in open {
        transaction.commit().await.unwrap();
    }
    assert_eq!(count(&films).await, 22);
}

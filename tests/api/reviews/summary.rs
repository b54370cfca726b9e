//! The numbers of a film's reviews, and what `films migrate` does when a restore has changed the reviews.

use futures_util::future::join_all;
use sqlx::{Executor as _, PgPool};

use crate::support::{Films, run, variables};

/// The films and ratings whose number in the summary is not the number of reviews.
const DIFFERENCES: &str = "select count(*) from (
    select from (
        select film_id, rating, count(*) as number from review group by 1, 2
        union all
        select film_id, counted.rating, -number from review_summary, lateral (
            values (1, one), (2, two), (3, three), (4, four), (5, five)) counted (rating, number)
    ) numbers group by film_id, rating having sum(number) <> 0) differences";

async fn differences(pool: &PgPool) -> i64 {
    sqlx::query_scalar(DIFFERENCES).fetch_one(pool).await.unwrap()
}

async fn migrate(pool: &PgPool) {
    let migrated = run(&variables(pool), &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
}

async fn numbers(films: &Films) -> (i64, Option<f64>) {
    let body = films.get("/films/7/reviews/").await.json();
    (body["count"].as_i64().unwrap(), body["average"].as_f64())
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn transactions_side_by_side_lose_no_number(pool: PgPool) {
    pool.execute("insert into film (film_id, title) select n, 'Film' from generate_series(1, 4) n")
        .await
        .unwrap();
    // In both orders, so that waiting for each other would end in a deadlock.
    let change = async |number: i32| {
        for turn in 0..30 {
            let mut transaction = pool.begin().await.unwrap();
            for film in if number % 2 == 0 { [1, 2, 3, 4] } else { [4, 3, 2, 1] } {
                let insert =
                    "insert into review (film_id, rating) select $1, 1 + n from generate_series(0, 4) n";
                sqlx::query(insert).bind(film).execute(&mut *transaction).await.unwrap();
            }
            // Only its own rows: transactions that delete the same row would wait for each other.
            let delete = "delete from review where rating = $1 and xmin = pg_current_xact_id()::xid";
            sqlx::query(delete).bind(1 + number % 5).execute(&mut *transaction).await.unwrap();
            if turn % 5 == 0 {
                transaction.rollback().await.unwrap();
            } else {
                transaction.commit().await.unwrap();
            }
        }
    };
    join_all((0..6).map(change)).await;
    let stored: i64 = sqlx::query_scalar("select count(*) from review").fetch_one(&pool).await.unwrap();
    assert_eq!((stored, differences(&pool).await), (6 * 24 * 4 * 4, 0));
    let rows: i64 = sqlx::query_scalar(
        "select max(number) from (select count(*) number from review_summary group by film_id) rows",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(rows <= 6, "{rows} rows for a film, but six transactions at once");
}

/// The table of the article, restored over a database that is migrated already.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_restored_table_is_served_after_the_next_migration(pool: PgPool) {
    let films = Films::start(&pool).await;
    assert_eq!(films.post("/reviews/", r#"{"film_id":7,"rating":4}"#).await.status, 200);
    assert_eq!(numbers(&films).await, (1, Some(4.0)));
    let restore = "begin; drop table review;
         create table review (film_id integer references film, rating integer);
         insert into review values (7, 1), (7, 2), (7, null), (7, 9), (null, 3); commit";
    pool.execute(restore).await.unwrap();
    let unready = films.until_readiness(|response| response.status == 503).await;
    assert!(unready.body.contains("review"), "{unready:?}");
    migrate(&pool).await;
    films.until_ready().await;
    assert_eq!(numbers(&films).await, (2, Some(1.5)));
    assert_eq!(films.post("/reviews/", r#"{"film_id":7,"rating":3}"#).await.status, 200);
    let body = films.get("/films/7/reviews/").await.json();
    let times: Vec<bool> =
        body["reviews"].as_array().unwrap().iter().map(|review| review["created_at"].is_string()).collect();
    assert_eq!((body["count"].as_i64(), times), (Some(3), vec![true, false, false]));
}

/// A table whose columns have our names and smaller types.
#[sqlx::test(migrations = false)]
async fn a_table_with_ids_of_its_own_is_served(pool: PgPool) {
    let table = "create table film (film_id integer primary key, title text, release_year integer);
        insert into film values (7, 'Film', 2006);
        create table review (review_id serial primary key, film_id smallint, rating smallint);
        insert into review (film_id, rating) values (7, 1), (7, 2)";
    pool.execute(table).await.unwrap();
    migrate(&pool).await;
    let films = Films::start(&pool).await;
    assert_eq!(numbers(&films).await, (2, Some(1.5)));
    assert_eq!(films.post("/reviews/", r#"{"film_id":7,"rating":3}"#).await.status, 200);
    let body = films.get("/films/7/reviews/").await.json();
    let ids: Vec<i64> = body["reviews"]
        .as_array()
        .unwrap()
        .iter()
        .map(|review| review["review_id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [3, 2, 1]);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_missing_or_disabled_trigger_makes_the_instance_unready(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (break_it, mend_it) in [
        ("alter table review disable trigger reviews_inserted", "alter table review enable trigger all"),
        ("alter table review disable trigger reviews_deleted", "alter table review enable trigger all"),
        ("drop trigger reviews_truncated on review", ""),
    ] {
        pool.execute(break_it).await.unwrap();
        let unready = films.until_readiness(|response| response.status == 503).await;
        assert_eq!(unready.json()["database"], "untracked", "{unready:?}");
        pool.execute(mend_it).await.unwrap();
        migrate(&pool).await;
        films.until_ready().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_next_migration_corrects_numbers_that_the_triggers_missed(pool: PgPool) {
    let films = Films::start(&pool).await;
    pool.execute("insert into review (film_id, rating) values (7, 4), (8, 4)").await.unwrap();
    assert_eq!(numbers(&films).await, (1, Some(4.0)));
    // In one transaction, so that no check sees the triggers disabled.
    let unseen = "begin; alter table review disable trigger user;
                  insert into review (film_id, rating) values (7, 1), (7, 1); delete from review where film_id = 8;
                  alter table review enable trigger user; commit";
    pool.execute(unseen).await.unwrap();
    assert_ne!(differences(&pool).await, 0);
    migrate(&pool).await;
    assert_eq!((numbers(&films).await, differences(&pool).await), ((3, Some(2.0)), 0));
}

//! Sessions that Postgres keeps open although they are of no more use.

use sqlx::{AssertSqlSafe, PgPool};

use crate::support::Films;
use crate::support::http::REVIEW;

/// No check of the database runs in between, so that requests meet the stale sessions first.
const NO_CHECKS: (&str, &str) = ("FILMS__READINESS__INTERVAL", "1h");

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_changed_column_type_fails_no_request(pool: PgPool) {
    let films = Films::start_with(&pool, &[NO_CHECKS, ("FILMS__DATABASE__CACHE_ENTRIES", "0")]).await;
    for kind in ["text", "varchar(200)", "text"] {
        // Every thread has prepared its statements before and after the change.
        for _ in 0..8 {
            assert_eq!(films.get("/films/995/").await.status, 200);
            assert_eq!(films.get("/films/?limit=3").await.status, 200);
            assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
        }
        let change = format!("alter table film alter column title type {kind}");
        sqlx::query(AssertSqlSafe(change)).execute(&pool).await.unwrap();
    }
    assert_eq!(films.get("/films/995/").await.status, 200);
}

/// Makes new sessions of the database read-only, as after a failover in place, or writable again.
async fn set_read_only(pool: &PgPool, read_only: bool) {
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.unwrap();
    let change = format!(
        "begin read write; alter database \"{name}\" set default_transaction_read_only = {read_only}; commit"
    );
    sqlx::raw_sql(AssertSqlSafe(change)).execute(pool).await.unwrap();
}

async fn end_sessions(pool: &PgPool) {
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'films'",
    )
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn reviews_work_again_after_the_open_sessions_became_read_only(pool: PgPool) {
    let films = Films::start_with(&pool, &[NO_CHECKS]).await;
    set_read_only(&pool, true).await;
    end_sessions(&pool).await;
    films.until_posted(503).await;

    // The sessions that are open now stay read-only, as those to the old primary after a failover.
    set_read_only(&pool, false).await;
    for _ in 0..8 {
        assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
        assert_eq!(films.get("/films/995/").await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn readiness_names_a_read_only_database_and_reads_go_on(pool: PgPool) {
    let films = Films::start(&pool).await;
    set_read_only(&pool, true).await;
    end_sessions(&pool).await;
    let report = films.until_readiness(|response| response.json()["database"] == "read_only").await;
    assert_eq!(report.status, 200);
    films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
    assert_eq!(films.get("/films/995/").await.status, 200);
    let report = films.admin("/readyz").await.json();
    assert!(report["failing"]["create_review"].as_str().unwrap().contains("read-only"), "{report}");

    set_read_only(&pool, false).await;
    films.until_readiness(|response| response.json()["database"] == "up").await;
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
}

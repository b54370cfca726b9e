//! Reads from a replica. A second database stands for it: one that changes by itself only, as a
//! replica that lags, so that an answer tells where it was read. Its sessions are read-only.

use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};

use crate::support::proxy::Proxy;
use crate::support::{Films, Variables, run, variables};

const REVIEW: &str = r#"{"film_id":995,"rating":4}"#;

/// A database beside the test's own, with the same films.
async fn replica(pool: &PgPool) -> PgPool {
    let options = pool.connect_options();
    // A longer name than the test's own would be cut to it.
    let name = options.get_database().unwrap().replace("_sqlx_test_", "_replica_");
    execute(pool, format!(r#"drop database if exists "{name}" with (force)"#)).await;
    execute(pool, format!(r#"create database "{name}""#)).await;
    let replica = PgPool::connect_lazy_with(options.as_ref().clone().database(&name));
    for command in ["migrate", "seed"] {
        let ended = run(&variables(&replica), &[command]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    execute(pool, format!(r#"alter database "{name}" set default_transaction_read_only = on"#)).await;
    replica
}

async fn execute(pool: &PgPool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// Gives film 995 a title.
async fn name_film(pool: &PgPool, title: &str) {
    let mut change = pool.begin_with("begin read write").await.unwrap();
    sqlx::query("update film set title = $1 where film_id = 995")
        .bind(title)
        .execute(&mut *change)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

/// The test's own database with this URL to read from.
fn reading(pool: &PgPool, url: &str) -> Variables {
    let mut variables = variables(pool);
    variables.insert("FILMS__DATABASE__READ_URL".to_owned(), url.to_owned());
    variables
}

fn url(pool: &PgPool) -> String {
    pool.connect_options().to_url_lossy().to_string()
}

async fn seed(pool: &PgPool) {
    assert_eq!(run(&variables(pool), &["seed"]).await.code, Some(0));
}

async fn reviews(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from review").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn films_are_read_from_the_replica_and_reviews_go_to_the_database(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    name_film(&pool, "of the database").await;
    name_film(&replica, "of the replica").await;
    let films = Films::spawn(&reading(&pool, &url(&replica))).await;
    films.until_ready().await;
    let ready = films.admin("/readyz").await;
    assert_eq!(ready.body, r#"{"status":"ready","database":"up","replica":"up"}"#);

    for path in ["/films/995/", "/films/?after=990", "/films/?limit=1000"] {
        let answer = films.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("of the replica"), "{path}: {}", answer.body);
    }
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    assert_eq!((reviews(&pool).await, reviews(&replica).await), (1, 0));
    films.stop().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_is_kept_and_its_tag_are_the_replicas(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    let films = Films::spawn(&reading(&pool, &url(&replica))).await;
    films.until_ready().await;
    let first = films.get("/films/995/").await;

    name_film(&pool, "not replicated yet").await;
    let lagging = films.get("/films/995/").await;
    assert_eq!((&lagging.body, lagging.header("etag")), (&first.body, first.header("etag")));

    name_film(&replica, "replicated").await;
    let replicated = films.get("/films/995/").await;
    assert_eq!(replicated.json()["title"], "replicated");
    assert_ne!(replicated.header("etag"), first.header("etag"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn each_of_the_two_is_checked_and_lost_by_itself(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    let (to_database, to_replica) = (Proxy::start(&pool).await, Proxy::start(&replica).await);
    let read_url = &to_replica.variables(&replica)["DATABASE_URL"];
    let mut variables = to_database.variables(&pool);
    variables.insert("FILMS__DATABASE__READ_URL".to_owned(), read_url.clone());
    let films = Films::spawn(&variables).await;
    films.until_ready().await;

    to_replica.cut();
    let unready = films.until_readiness(|answer| answer.json()["replica"] == "down").await;
    assert_eq!((unready.status, unready.json()["database"].as_str()), (503, Some("up")));
    assert_eq!(unready.json()["reason"], "the replica is away");
    films.get("/films/995/").await.problem(503, "unavailable");
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    to_replica.open();
    films.until_ready().await;
    assert_eq!(films.get("/films/995/").await.status, 200);

    to_database.cut();
    let unready = films.until_readiness(|answer| answer.json()["database"] == "down").await;
    assert_eq!((unready.status, unready.json()["replica"].as_str()), (503, Some("up")));
    assert_eq!(unready.json()["reason"], "the database is away");
    assert_eq!(films.get("/films/995/").await.status, 200);
    films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_replica_without_the_schema_is_not_ready(pool: PgPool) {
    let replica = replica(&pool).await;
    let mut change = replica.begin_with("begin read write").await.unwrap();
    sqlx::query("drop table _sqlx_migrations").execute(&mut *change).await.unwrap();
    change.commit().await.unwrap();
    let films = Films::spawn(&reading(&pool, &url(&replica))).await;
    let unready = films.until_readiness(|answer| answer.json()["replica"] == "behind").await;
    assert_eq!((unready.status, unready.json()["database"].as_str()), (503, Some("up")));
    assert!(unready.json()["reason"].as_str().unwrap().starts_with("the replica lacks migration 1:"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_connections_to_each_are_counted(pool: PgPool) {
    let replica = replica(&pool).await;
    let mut variables = reading(&pool, &url(&replica));
    variables.insert("FILMS__DATABASE__POOL_SIZE".to_owned(), "7".to_owned());
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    let page = films.admin("/metrics").await.body;
    for name in ["database", "replica"] {
        let sample = |line: &&str| {
            line.starts_with("db_client_connection_max{")
                && line.contains(&format!("db_client_connection_pool_name=\"{name}\""))
        };
        let found: Vec<_> = page.lines().filter(sample).collect();
        assert!(matches!(found[..], [line] if line.ends_with(" 7")), "{name}: {found:?} in {page}");
    }
}

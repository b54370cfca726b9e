//! Reads from a replica. A second database takes the place of the replica: it has the same films and
//! read-only sessions. Nothing is replicated, so a response shows which of the two was read.

use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};

use crate::support::database::count;
use crate::support::http::{REVIEW, Response};
use crate::support::proxy::Proxy;
use crate::support::{Films, Variables, run, until, variables};

/// Creates the database that takes the place of the replica.
async fn replica(pool: &PgPool) -> PgPool {
    let options = pool.connect_options();
    // Postgres cuts long names, so the name must not be longer than the test's own.
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

/// Changes the title of film 995.
async fn rename_film(pool: &PgPool, title: &str) {
    let mut change = pool.begin_with("begin read write").await.unwrap();
    sqlx::query("update film set title = $1 where film_id = 995")
        .bind(title)
        .execute(&mut *change)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

/// Returns the variables of an instance that reads from this URL.
fn reading_from(pool: &PgPool, url: &str) -> Variables {
    let mut variables = variables(pool);
    variables.insert("FILMS__DATABASE__READ_URL".to_owned(), url.to_owned());
    variables
}

/// Returns whether a response of `/readyz` shows these states of database and replica.
fn has_states(response: &Response, database: &str, replica: &str) -> bool {
    let body = response.json();
    body["database"] == database && body["replica"] == replica
}

fn url(pool: &PgPool) -> String {
    pool.connect_options().to_url_lossy().to_string()
}

async fn seed(pool: &PgPool) {
    assert_eq!(run(&variables(pool), &["seed"]).await.code, Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn films_are_read_from_the_replica_and_reviews_are_stored_in_the_database(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    rename_film(&pool, "of the database").await;
    rename_film(&replica, "of the replica").await;
    let films = Films::spawn(&reading_from(&pool, &url(&replica))).await;
    films.until_ready().await;
    let ready = films.admin("/readyz").await;
    assert_eq!(ready.body, r#"{"status":"ready","database":"up","replica":"up"}"#);

    for path in ["/films/995/", "/films/?after=990", "/films/?limit=1000"] {
        let response = films.get(path).await;
        assert_eq!(response.status, 200, "{path}");
        assert!(response.body.contains("of the replica"), "{path}: {}", response.body);
    }
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    assert_eq!((count(&pool, "review").await, count(&replica, "review").await), (1, 0));
    films.stop().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn cached_films_and_etags_follow_the_replica(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    let films = Films::spawn(&reading_from(&pool, &url(&replica))).await;
    films.until_ready().await;
    let first = films.get("/films/995/").await;

    rename_film(&pool, "not replicated yet").await;
    let lagging = films.get("/films/995/").await;
    assert_eq!((&lagging.body, lagging.header("etag")), (&first.body, first.header("etag")));

    rename_film(&replica, "replicated").await;
    let replicated = films.get("/films/995/").await;
    assert_eq!(replicated.json()["title"], "replicated");
    assert_ne!(replicated.header("etag"), first.header("etag"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn database_and_replica_are_checked_separately(pool: PgPool) {
    let replica = replica(&pool).await;
    seed(&pool).await;
    let (to_database, to_replica) = (Proxy::start(&pool).await, Proxy::start(&replica).await);
    let read_url = &to_replica.variables(&replica)["DATABASE_URL"];
    let mut variables = to_database.variables(&pool);
    variables.insert("FILMS__DATABASE__READ_URL".to_owned(), read_url.clone());
    let films = Films::spawn(&variables).await;
    films.until_ready().await;

    to_replica.cut();
    let unready = films.until_readiness(|response| has_states(response, "up", "down")).await;
    assert_eq!(unready.status, 503);
    assert!(
        unready.json()["reason"].as_str().unwrap().starts_with("the replica is unreachable: "),
        "{unready:?}"
    );
    films.get("/films/995/").await.problem(503, "unavailable");
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    to_replica.open();
    films.until_ready().await;
    assert_eq!(films.get("/films/995/").await.status, 200);

    to_database.cut();
    let unready = films.until_readiness(|response| has_states(response, "down", "up")).await;
    assert_eq!(unready.status, 503);
    assert!(
        unready.json()["reason"].as_str().unwrap().starts_with("the database is unreachable: "),
        "{unready:?}"
    );
    assert_eq!(films.get("/films/995/").await.status, 200);
    films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_replica_without_the_schema_makes_the_instance_unready(pool: PgPool) {
    let replica = replica(&pool).await;
    let mut change = replica.begin_with("begin read write").await.unwrap();
    sqlx::query("drop table _sqlx_migrations").execute(&mut *change).await.unwrap();
    change.commit().await.unwrap();
    let films = Films::spawn(&reading_from(&pool, &url(&replica))).await;
    let unready = films.until_readiness(|response| has_states(response, "up", "behind")).await;
    assert_eq!(unready.status, 503);
    assert!(unready.json()["reason"].as_str().unwrap().starts_with("the replica lacks migration 1:"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn connections_to_database_and_replica_are_counted_separately(pool: PgPool) {
    let replica = replica(&pool).await;
    let mut variables = reading_from(&pool, &url(&replica));
    variables.insert("FILMS__DATABASE__POOL_SIZE".to_owned(), "7".to_owned());
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    let page = films.admin("/metrics").await;
    for name in ["database", "replica"] {
        let label = format!("db_client_connection_pool_name=\"{name}\"");
        page.assert_sample("db_client_connection_max", &[&label], 7);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_lag_of_a_replica_is_a_gauge_while_it_is_known(pool: PgPool) {
    const LAG: &str = "films_replica_lag_seconds";
    let replica = replica(&pool).await;
    let proxy = Proxy::start(&replica).await;
    let films = Films::spawn(&reading_from(&pool, &proxy.variables(&replica)["DATABASE_URL"])).await;
    films.until_ready().await;
    let lag = async || films.admin("/metrics").await.sample(LAG, &[]).map(|lag| lag.parse::<f64>().unwrap());
    assert_eq!(lag().await, None, "the server is no standby");

    // Functions in `public` take the place of those of a standby, for sessions that search it first.
    let name = replica.connect_options().get_database().unwrap().to_owned();
    let mut change = replica.begin_with("begin read write").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        r#"create function pg_is_in_recovery() returns boolean language sql as 'select true';
           create function pg_last_wal_receive_lsn() returns pg_lsn language sql as $$select '0/2'::pg_lsn$$;
           create function pg_last_wal_replay_lsn() returns pg_lsn language sql as $$select '0/1'::pg_lsn$$;
           create function pg_last_xact_replay_timestamp() returns timestamptz language sql
             as $$select clock_timestamp() - interval '2 minutes'$$;
           create view pg_stat_wal_receiver as select 1 as pid;
           alter database "{name}" set search_path = public, pg_catalog"#
    )))
    .execute(&mut *change)
    .await
    .unwrap();
    change.commit().await.unwrap();
    proxy.cut();
    films.until_readiness(|response| has_states(response, "up", "down")).await;
    proxy.open();
    films.until_ready().await;
    let behind = lag().await.unwrap();
    assert!((120.0..240.0).contains(&behind), "{behind}");

    let mut change = replica.begin_with("begin read write").await.unwrap();
    sqlx::raw_sql(
        "create or replace function pg_last_wal_replay_lsn() returns pg_lsn language sql
           as $$select '0/2'::pg_lsn$$",
    )
    .execute(&mut *change)
    .await
    .unwrap();
    change.commit().await.unwrap();
    until("the replica has caught up", async || match lag().await {
        Some(0.0) => Ok(()),
        other => Err(other),
    })
    .await;

    proxy.cut();
    films.until_readiness(|response| has_states(response, "up", "down")).await;
    assert_eq!(lag().await, None, "the replica is unreachable");
}

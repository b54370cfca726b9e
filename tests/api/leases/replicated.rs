//! Films that logical replication changes, as a session with the role `replica`.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor as _, PgPool};

use super::leasing::{leasing, set_title, title, until_leased};
use super::observer::prepare;
use super::server::Server;
use crate::support::{run, until, variables};

const HALF_SECOND: Duration = Duration::from_millis(500);

async fn version(pool: &PgPool) -> String {
    sqlx::query_scalar("select version::text from film_catalogue").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_session_with_the_role_replica_waits(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let mut session = pool.acquire().await.unwrap();
    session.execute("set session_replication_role = replica").await.unwrap();
    for statement in [
        "update film set title = '1' where film_id = 1",
        "insert into film (film_id, title) values (5000, '0')",
        "delete from film where film_id = 5000",
        "truncate film cascade",
    ] {
        until_leased(&films).await;
        let before = version(&pool).await;
        let since = Instant::now();
        session.execute(statement).await.unwrap();
        assert!(since.elapsed() >= HALF_SECOND, "{statement}: {:?}", since.elapsed());
        assert_ne!(version(&pool).await, before, "{statement}");
        let expected = if statement.starts_with("truncate") { 404 } else { 200 };
        assert_eq!(films.get("/films/1/").await.status, expected, "{statement}");
    }
}

#[sqlx::test(migrations = false)]
async fn a_subscription_leaves_no_stale_read(shared: PgPool) {
    let Some(server) = Server::start(&shared).await else { return };
    let publisher = server.pool("postgres");
    publisher.execute("create database subscriber").await.unwrap();
    let subscriber = server.pool("subscriber");
    for pool in [&publisher, &subscriber] {
        assert_eq!(run(&variables(pool), &["migrate"]).await.code, Some(0));
    }
    prepare(&publisher).await;
    let films = leasing(&subscriber, &[]).await;
    publisher.execute("create publication films for table film").await.unwrap();
    // A subscription cannot make a slot on its own server.
    publisher.execute("select pg_create_logical_replication_slot('films', 'pgoutput')").await.unwrap();
    let subscription = format!(
        "create subscription films connection '{} dbname=postgres' publication films
         with (create_slot = false, slot_name = 'films', copy_data = false)",
        server.connection()
    );
    subscriber.execute(AssertSqlSafe(subscription)).await.unwrap();
    for number in 1..6 {
        until_leased(&films).await;
        set_title(&publisher, number).await;
        until("the change at the subscriber", async || {
            let found: String = sqlx::query_scalar("select title from film where film_id = 1")
                .fetch_one(&subscriber)
                .await
                .unwrap();
            if found == number.to_string() { Ok(()) } else { Err(found) }
        })
        .await;
        assert_eq!(title(&films).await, number.to_string());
    }
}

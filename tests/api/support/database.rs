//! Postgres as the tests use it: locks that hold the service's queries, and counts.

use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use super::wait::until;

/// Locks a table. Queries on the table wait until the transaction is rolled back.
pub(crate) async fn lock_table(pool: &PgPool, table: &str) -> Transaction<'static, Postgres> {
    let mut transaction = pool.begin().await.unwrap();
    let lock = format!("lock table {table} in access exclusive mode");
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *transaction).await.unwrap();
    transaction
}

/// Waits until a query in the test's database waits for a lock.
pub(crate) async fn until_blocked(pool: &PgPool) {
    until("a query waits for a lock", async || match blocked(pool).await {
        0 => Err(0),
        _ => Ok(()),
    })
    .await;
}

/// Waits until no query in the test's database waits for a lock.
pub(crate) async fn until_none_blocked(pool: &PgPool) {
    until("no query waits for a lock", async || match blocked(pool).await {
        0 => Ok(()),
        waiting => Err(waiting),
    })
    .await;
}

async fn blocked(pool: &PgPool) -> i64 {
    let blocked = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    number(pool, blocked).await
}

/// Returns how many connections instances have to the test's database.
pub(crate) async fn connections(pool: &PgPool) -> i64 {
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and application_name = 'films'";
    number(pool, open).await
}

/// Waits until no instance has a connection to the test's database. Postgres ends a backend a moment
/// after its connection.
pub(crate) async fn until_disconnected(pool: &PgPool) {
    until("no connections", async || match connections(pool).await {
        0 => Ok(()),
        open => Err(open),
    })
    .await;
}

/// Returns how many rows a table has.
pub(crate) async fn count(pool: &PgPool, table: &str) -> i64 {
    number(pool, &format!("select count(*) from {table}")).await
}

async fn number(pool: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(pool).await.unwrap()
}

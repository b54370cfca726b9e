//! The same observation must find what is wrong with a trigger that does not wait.

use sqlx::{Executor as _, PgPool};

use super::observer::{observe, prepare};
use crate::support::Films;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_the_wait_a_stale_read_is_found(pool: PgPool) {
    prepare(&pool).await;
    pool.execute("update film_catalogue set lease = '1 second'").await.unwrap();
    pool.execute(
        "create or replace function await_leases() returns trigger language plpgsql as $$
         begin
             perform pg_advisory_xact_lock_shared(1718382963, tg_relid::integer);
             return null;
         end $$",
    )
    .await
    .unwrap();
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let stale = observe(&pool, &instances, |_, _| false).await;
    assert!(stale.is_some());
}

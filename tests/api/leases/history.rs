//! No response of two instances is older than what was committed before its request.

use sqlx::PgPool;

use super::observer::{observe, prepare};
use crate::support::Films;

const READS: u64 = 3_000;
const LEASED: u64 = 300;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_leased_read_is_stale(pool: PgPool) {
    prepare(&pool).await;
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let stale = observe(&pool, &instances, |reads, leased| reads > READS && leased > LEASED).await;
    assert_eq!(stale, None);
}

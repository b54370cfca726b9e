//! The clean-up of idempotency keys.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::sleep;
use tracing::{info, warn};

use super::error::Error;
use super::pool::Pool;
use super::query::{Query, query_scalar};
use crate::config::Reviews;

/// The pause between two deletions is a hundredth of `reviews.idempotency_ttl`, within these limits.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_mins(1)];

/// The pause after a deletion that may have left expired keys. An instance deletes up to 20,000 keys a second,
/// which is more than it stores.
const SHORT_PAUSE: Duration = Duration::from_millis(50);

/// One call of `expire_idempotency_keys` deletes at most 1,000 keys. If a call deletes at least this many, more
/// expired keys are likely.
const MANY: i64 = 500;

/// Deletes expired keys, again and again, until the task is aborted. Every instance does this.
pub(super) async fn expire(pool: Pool, config: Reviews) {
    let long = (config.idempotency_ttl.get() / 100).clamp(PAUSES[0], PAUSES[1]);
    let query = ExpireKeys(config);
    let (mut pause, mut failing) = (long, false);
    loop {
        sleep(pause).await;
        let deleted = deleted(&pool, &query).await;
        pause = if deleted.as_ref().is_ok_and(|deleted| *deleted >= MANY) { SHORT_PAUSE } else { long };
        match deleted {
            Ok(_) if failing => info!("expired idempotency keys are deleted again"),
            // The background check reports an unreachable server.
            Err(error) if !failing && !error.is_unreachable() => {
                warn!(%error, "expired idempotency keys cannot be deleted");
            }
            _ => continue,
        }
        failing = !failing;
    }
}

async fn deleted(pool: &Pool, query: &ExpireKeys) -> Result<i64, Error> {
    let deleted = pool.acquire().await?.run(query, &[()]).await?;
    // One key has one output.
    Ok(deleted.into_iter().sum())
}

/// Deletes some of the expired keys. The output is their number.
struct ExpireKeys(Reviews);

impl Query for ExpireKeys {
    const NAME: &'static str = "expire_idempotency_keys";
    const OPERATION: &'static str = "DELETE";
    const TABLE: &'static str = "idempotency_key";
    const READ_ONLY: bool = false;
    type Key = ();
    type Output = i64;

    async fn run(&self, connection: &mut PgConnection, _: &[()]) -> Result<Vec<i64>, sqlx::Error> {
        let ttl = self.0.idempotency_ttl.get().as_secs_f64();
        let most = i64::try_from(self.0.idempotency_keys).unwrap_or(i64::MAX);
        let deleted = query_scalar!(
            r#"select expire_idempotency_keys(make_interval(secs => $1), $2) as "deleted!""#,
            ttl,
            most
        );
        Ok(vec![deleted.fetch_one(connection).await?])
    }
}

//! How far the replica is behind its primary.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::postgres::PgConnection;
use tracing::debug;

use super::error::describe;
use crate::telemetry::REPLICA_LAG;

/// The lag that the last check of the replica found. `None` if it is unknown.
#[derive(Debug, Default)]
pub(super) struct Lag(Mutex<Option<Duration>>);

impl Lag {
    /// Registers the gauge. It has no value while the lag is unknown.
    pub(super) fn observe() -> Arc<Self> {
        let lag = Arc::new(Self::default());
        let weak = Arc::downgrade(&lag);
        REPLICA_LAG.observe_duration(move |gauge| {
            if let Some(lag) = weak.upgrade().and_then(|lag| *lag.0.lock()) {
                gauge.observe(lag.as_secs_f64(), &[]);
            }
        });
        lag
    }

    /// Reads the lag from the replica and stores it. If this query fails, the check goes on: some managed services
    /// lack these functions.
    ///
    /// A replica that has replayed everything it received is not behind while it still receives. Otherwise
    /// its primary may have changed since the last transaction that it replayed.
    pub(super) async fn measure(&self, connection: &mut PgConnection) {
        let milliseconds = sqlx::query_scalar!(
            "select case when not pg_is_in_recovery() then null
               when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                 and exists (select from pg_stat_wal_receiver where pid is not null) then 0
               else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000
             end::bigint"
        )
        .fetch_one(connection)
        .await;
        let milliseconds = milliseconds.unwrap_or_else(|error| {
            debug!(error = describe(&error), "the lag of the replica is unknown");
            None
        });
        // The clocks of the two servers may differ, so the age may be negative.
        let lag = milliseconds.map(|lag| Duration::from_millis(lag.max(0).unsigned_abs()));
        *self.0.lock() = lag;
    }

    /// Makes the lag unknown, because the replica cannot be reached.
    pub(super) fn forget(&self) {
        *self.0.lock() = None;
    }
}

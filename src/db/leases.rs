//! The read lease of an instance. While it is valid, for a few milliseconds, the catalogue keeps its version, so
//! that cached responses hold without a query.
//!
//! `migrations/0004_read_leases.sql` has the part of Postgres, ARCHITECTURE.md the argument. A lease counts
//! from the moment before its query was sent. It is renewed before it ends, by one query at a time, and
//! only while requests use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use opentelemetry::KeyValue;
use opentelemetry::metrics::BoundCounter;
use sqlx::postgres::PgConnection;
use tokio::sync::Notify;
use uuid::Uuid;

use super::clock::Moment;
use super::pool::Pool;
use super::query::{Query, query_as};
use super::slow_query::Slowable;
use super::tracking::Tracking;
use super::version::Version;
use crate::telemetry::LEASES;

/// The lease, shared by all threads of the instance.
#[derive(Debug)]
pub(super) struct Leases {
    current: ArcSwapOption<Lease>,
    tracking: Arc<Tracking>,
    /// Whether a renewal was requested and has not ended.
    renewing: AtomicBool,
    wanted: Notify,
    outcomes: [(&'static str, BoundCounter<u64>); OUTCOMES.len()],
}

/// How a request for a lease can end: granted, or one of the refusals of `film_lease()`.
const OUTCOMES: [&str; 5] = [GRANTED, "locked", "off", "isolation", "standby"];
const GRANTED: &str = "granted";

/// A version that the catalogue keeps for some time.
#[derive(Clone, Copy, Debug)]
struct Lease {
    held: Held,
    until: Moment,
    /// From this moment on, a read requests a renewal.
    renew_at: Moment,
}

/// What a valid lease says: the catalogue has this version, in this period of tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) version: Version,
    pub(super) period: u64,
}

/// The row of `film_lease()`.
struct Reply {
    version: Uuid,
    /// Length of the lease in microseconds.
    lease: i64,
    refusal: Option<String>,
}

impl Leases {
    pub(super) fn new(tracking: &Arc<Tracking>) -> Self {
        let requests = LEASES.counter();
        let outcome = |name| (name, requests.bind(&[KeyValue::new("outcome", name)]));
        Self {
            current: ArcSwapOption::empty(),
            tracking: Arc::clone(tracking),
            renewing: AtomicBool::new(false),
            wanted: Notify::new(),
            outcomes: OUTCOMES.map(outcome),
        }
    }

    /// Returns what the lease says, if it is valid now. Near its end, requests a renewal.
    pub(super) fn held(&self) -> Option<Held> {
        let lease = **self.current.load().as_ref()?;
        let now = Moment::now();
        if now >= lease.until || self.tracking.period() != Some(lease.held.period) {
            return None;
        }
        if now >= lease.renew_at {
            self.want();
        }
        Some(lease.held)
    }

    /// Requests a renewal, unless one is under way. All threads come here until it ends, so they look before
    /// they write.
    fn want(&self) {
        if !self.renewing.load(Ordering::Relaxed) && !self.renewing.swap(true, Ordering::Relaxed) {
            self.wanted.notify_one();
        }
    }

    /// Returns the current period of tracking, or `None` if changes are not tracked.
    pub(super) fn period(&self) -> Option<u64> {
        self.tracking.period()
    }

    /// Reads the version of the catalogue, and takes the lease that comes with it.
    pub(super) async fn request(
        &self,
        connection: &mut PgConnection,
        period: u64,
    ) -> Result<Version, sqlx::Error> {
        let sent = Moment::now();
        let reply =
            query_as!(Reply, r#"select version as "version!", lease as "lease!", refusal from film_lease()"#)
                .fetch_one(connection)
                .await?;
        let version = Version(reply.version);
        if reply.refusal.is_none() {
            let length = Duration::from_micros(reply.lease.unsigned_abs());
            self.take(Held { version, period }, sent, length);
        }
        self.count(reply.refusal.as_deref().unwrap_or(GRANTED));
        Ok(version)
    }

    fn count(&self, outcome: &str) {
        if let Some((_, counter)) = self.outcomes.iter().find(|(name, _)| *name == outcome) {
            counter.add(1);
        }
    }

    /// Takes a lease, unless another one lasts longer: replies can overtake each other.
    fn take(&self, held: Held, sent: Moment, length: Duration) {
        let until = sent + length.saturating_sub(margin(length));
        // A later renewal would leave a busy machine too little time. An earlier one would cost more queries.
        let lease = Arc::new(Lease { held, until, renew_at: sent + length * 3 / 4 });
        self.current.rcu(|current| match current {
            Some(current) if current.until > until => Some(Arc::clone(current)),
            _ => Some(Arc::clone(&lease)),
        });
    }

    /// Renews the lease whenever a read has requested it.
    pub(super) async fn renew(self: Arc<Self>, pool: Pool) {
        let query = Slowable::new(Arc::clone(&self), pool.faults());
        loop {
            self.wanted.notified().await;
            // A failure is no loss: the next batch requests a lease too, and reports its own failure.
            if let Ok(connection) = pool.acquire().await {
                let _ = connection.run(&query, &[()]).await;
            }
            self.renewing.store(false, Ordering::Relaxed);
        }
    }
}

/// Returns how much earlier a lease ends at the instance than at Postgres: the two clocks may run at rates that
/// differ by 1 %, and are read in steps.
fn margin(length: Duration) -> Duration {
    length / 100 + Duration::from_micros(100)
}

impl Query for Leases {
    const NAME: &'static str = "renew_lease";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "film_catalogue";
    const READ_ONLY: bool = true;
    type Key = ();
    type Output = ();

    async fn run(&self, connection: &mut PgConnection, _: &[()]) -> Result<Vec<()>, sqlx::Error> {
        if let Some(period) = self.period() {
            self.request(connection, period).await?;
        }
        Ok(vec![()])
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const LENGTH: Duration = Duration::from_millis(200);

    fn leases() -> (Leases, Arc<Tracking>) {
        let tracking = Arc::new(Tracking::default());
        tracking.set(true);
        (Leases::new(&tracking), tracking)
    }

    fn held(version: u128) -> Held {
        Held { version: Version(Uuid::from_u128(version)), period: 1 }
    }

    #[test]
    fn a_lease_ends_before_its_length_after_its_query_was_sent() {
        let (leases, _) = leases();
        assert_eq!(leases.held(), None);
        let sent = Moment::now();
        leases.take(held(1), sent, LENGTH);
        while let Some(found) = leases.held() {
            assert_eq!(found, held(1));
        }
        let lasted = Moment::now().since(sent);
        assert!(lasted >= LENGTH.saturating_sub(margin(LENGTH)), "{lasted:?}");
        leases.take(held(1), sent, LENGTH);
        assert_eq!(leases.held(), None, "a late reply grants nothing");
    }

    #[test]
    fn a_lease_ends_with_its_period_of_tracking() {
        let (leases, tracking) = leases();
        leases.take(held(1), Moment::now(), Duration::from_mins(1));
        assert_eq!(leases.held(), Some(held(1)));
        tracking.set(false);
        assert_eq!(leases.held(), None);
        tracking.set(true);
        assert_eq!(leases.held(), None, "another period");
    }

    #[test]
    fn a_reply_that_was_overtaken_is_dropped() {
        let (leases, _) = leases();
        let sent = Moment::now();
        leases.take(held(2), sent + Duration::from_secs(2), Duration::from_mins(1));
        leases.take(held(1), sent, Duration::from_mins(1));
        assert_eq!(leases.held(), Some(held(2)));
    }

    #[test]
    fn one_renewal_is_requested_at_a_time() {
        let (leases, _) = leases();
        let (now, until) = (Moment::now(), Moment::now() + Duration::from_mins(1));
        let requests = |renew_at| {
            leases.current.store(Some(Arc::new(Lease { held: held(1), until, renew_at })));
            assert_eq!(leases.held(), Some(held(1)));
            leases.wanted.notified().now_or_never().is_some()
        };
        assert!(!requests(until), "the lease is new");
        assert!(requests(now));
        assert!(!requests(now), "a renewal is under way");
        leases.renewing.store(false, Ordering::Relaxed);
        assert!(requests(now));
    }
}

//! Decides whether this instance should receive traffic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::KeyValue;

use crate::db::{Checks, Failing, Status};
use crate::faults::{Faults, Kind};
use crate::telemetry::{DATABASE_REACHABLE, READY};

/// The readiness of this instance. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    checks: Checks,
    failing: Failing,
    faults: Option<Faults>,
    database_decides: bool,
    stopping: AtomicBool,
}

/// What `/readyz` reports.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The last check of the database.
    pub(crate) database: Status,
    /// The last check of the replica, if there is one.
    pub(crate) replica: Option<Status>,
    /// Why the instance is unready, if it is.
    pub(crate) reason: Option<String>,
    /// The queries that fail at present, and why.
    pub(crate) failing: BTreeMap<&'static str, String>,
}

impl Readiness {
    /// Returns the readiness of a running instance, and registers its gauges. If `database_decides`, an
    /// unreachable database or replica makes the instance unready.
    pub(crate) fn new(
        checks: Checks,
        failing: Failing,
        faults: Option<Faults>,
        database_decides: bool,
    ) -> Self {
        let stopping = AtomicBool::new(false);
        let inner = Arc::new(Inner { checks, failing, faults, database_decides, stopping });
        observe(&inner);
        Self(inner)
    }

    /// Marks the instance as stopping.
    pub(crate) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Returns whether [`Readiness::stop`] was called.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.is_stopping()
    }

    /// Decides whether the instance is ready, by the last checks.
    pub(crate) fn report(&self) -> Report {
        self.0.report()
    }
}

impl Inner {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn report(&self) -> Report {
        let database = self.checks.database.borrow().clone();
        let replica = self.checks.replica.as_ref().map(|status| status.borrow().clone());
        let reason = if self.is_stopping() {
            Some("the instance is stopping".to_owned())
        } else if self.faults.as_ref().is_some_and(|faults| faults.is_running(Kind::Unready)) {
            Some("the fault unready is injected: see /faults/ on this port".to_owned())
        } else {
            let of_replica = || self.obstacle("replica", replica.as_ref()?);
            self.obstacle("database", &database).or_else(of_replica)
        };
        Report { failing: self.failing.causes(), database, replica, reason }
    }

    /// Returns why this status makes the instance unready, if it does. An outdated schema, tables that
    /// cannot be used and a missing trigger always do, because responses would fail or could be wrong. A
    /// read-only database does not: reads work, and all instances share it.
    fn obstacle(&self, server: &str, status: &Status) -> Option<String> {
        match status {
            Status::SchemaOutdated(version) => {
                Some(format!("the {server} lacks migration {version}: run `films migrate`"))
            }
            Status::TriggerMissing => Some(format!(
                "a trigger on the tables film, film_catalogue or review of the {server} is missing or disabled, so \
                 changes could go unnoticed: see migrations/README.md"
            )),
            Status::Unusable(obstacle) => Some(format!("the {server} cannot be used: {obstacle}")),
            Status::Connecting if self.database_decides => {
                Some(format!("the {server} has not been reached yet"))
            }
            Status::Unreachable(error) if self.database_decides => {
                Some(format!("the {server} is unreachable: {error}"))
            }
            _ => None,
        }
    }
}

/// Registers the gauges of the readiness and of the servers that the readiness depends on. The gauges hold no
/// strong reference, because the checks run for as long as a receiver of their results exists.
fn observe(inner: &Arc<Inner>) {
    let weak = Arc::downgrade(inner);
    READY.observe_gauge(move |gauge| {
        let Some(inner) = weak.upgrade() else { return };
        gauge.observe(inner.report().reason.is_none().into(), &[]);
    });
    let weak = Arc::downgrade(inner);
    DATABASE_REACHABLE.observe_gauge(move |gauge| {
        let Some(inner) = weak.upgrade() else { return };
        let replica = inner.checks.replica.as_ref().map(|status| ("replica", status));
        for (pool, status) in replica.into_iter().chain([("database", &inner.checks.database)]) {
            let reachable = status.borrow().is_reachable();
            gauge.observe(reachable.into(), &[KeyValue::new("db.client.connection.pool.name", pool)]);
        }
    });
}

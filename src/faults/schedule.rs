//! Which faults run until when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::fault::{Fault, Kind};
use crate::telemetry::FAULTS;

/// The faults of this instance. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Arc<watch::Sender<Schedule>>);

/// The instance is stopping, and starts no fault any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

#[derive(Debug, Default)]
struct Schedule {
    runs: BTreeMap<Kind, Run>,
    stopped: bool,
}

/// A started fault. It has ended once `until` has passed, even if it is still in the schedule.
#[derive(Debug)]
struct Run {
    fault: Fault,
    until: Instant,
    /// Number of requests that this fault has let pass or made fail.
    requests: AtomicU32,
}

impl Faults {
    /// Returns a schedule without faults, and registers its gauge.
    pub(crate) fn new() -> Self {
        let faults = Self(Arc::new(watch::Sender::default()));
        let observed = faults.clone();
        FAULTS.observe_gauge(move |gauge| {
            for kind in Kind::ALL {
                gauge.observe(observed.is_running(kind).into(), &[KeyValue::new("fault", kind.name())]);
            }
        });
        faults
    }

    /// Starts a fault for this time, in place of a running fault of the same kind. Fails if the instance is
    /// stopping.
    pub(crate) fn start(&self, fault: Fault, length: Duration) -> Result<(), Stopped> {
        let until = Instant::now() + length;
        let is_started = self.0.send_if_modified(|schedule| {
            if !schedule.stopped {
                schedule.runs.insert(fault.kind(), Run { fault, until, requests: AtomicU32::new(0) });
            }
            !schedule.stopped
        });
        if !is_started {
            return Err(Stopped);
        }
        let (name, delay, share) = (fault.kind().name(), fault.delay(), fault.share());
        warn!(fault = name, seconds = length.as_secs(), ?delay, share, "an injected fault begins");
        let faults = self.clone();
        tokio::spawn(async move {
            sleep_until(until).await;
            let now = Instant::now();
            faults.remove("its time is over", |run| run.until <= now);
        });
        Ok(())
    }

    /// Ends the fault of this kind, if it runs.
    pub(crate) fn end(&self, kind: Kind) {
        self.remove("a request ended it", |run| run.fault.kind() == kind);
    }

    /// Ends all faults.
    pub(crate) fn end_all(&self) {
        self.remove("a request ended it", |_| true);
    }

    /// Ends all faults, and starts no others: a stop waits for requests and connections, which a fault would hold.
    pub(crate) fn stop(&self) {
        self.0.send_modify(|schedule| schedule.stopped = true);
        self.remove("the instance is stopping", |_| true);
    }

    /// Returns the running faults with the time that each has left.
    pub(crate) fn running(&self) -> Vec<(Fault, Duration)> {
        let now = Instant::now();
        let schedule = self.0.borrow();
        let runs = schedule.runs.values().filter(|run| run.until > now);
        runs.map(|run| (run.fault, run.until - now)).collect()
    }

    /// Returns whether the fault of this kind runs.
    pub(crate) fn is_running(&self, kind: Kind) -> bool {
        self.0.borrow().running(kind).is_some()
    }

    /// Decides whether a public request fails now, and counts the request.
    pub(crate) fn fails_request(&self) -> bool {
        let schedule = self.0.borrow();
        let share =
            |run: &Run| Some(spread(run.requests.fetch_add(1, Ordering::Relaxed)) < run.fault.share()?);
        schedule.running(Kind::Errors).and_then(share).unwrap_or_default()
    }

    /// Waits as long as the running fault of this kind demands, but not longer than the fault runs.
    pub(crate) async fn delay(&self, kind: Kind) {
        let delay = self.0.borrow().running(kind).and_then(|run| run.fault.delay());
        let Some(delay) = delay else { return };
        tokio::select! {
            () = sleep(delay) => {}
            () = self.ended(kind) => {}
        }
    }

    /// Waits until the fault of this kind runs.
    pub(crate) async fn begun(&self, kind: Kind) {
        // Fails only after the sender is dropped, and `self` holds the sender.
        let _ = self.0.subscribe().wait_for(|schedule| schedule.running(kind).is_some()).await;
    }

    /// Waits until no fault of this kind runs.
    pub(crate) async fn ended(&self, kind: Kind) {
        let mut changes = self.0.subscribe();
        loop {
            let until = changes.borrow_and_update().running(kind).map(|run| run.until);
            let Some(until) = until else { return };
            tokio::select! {
                () = sleep_until(until) => {}
                _ = changes.changed() => {}
            }
        }
    }

    fn remove(&self, why: &'static str, ends: impl Fn(&Run) -> bool) {
        self.0.send_if_modified(|schedule| {
            let before = schedule.runs.len();
            schedule.runs.retain(|kind, run| {
                let ends = ends(run);
                if ends {
                    info!(fault = kind.name(), why, "an injected fault ends");
                }
                !ends
            });
            schedule.runs.len() < before
        });
    }
}

impl Schedule {
    fn running(&self, kind: Kind) -> Option<&Run> {
        self.runs.get(&kind).filter(|run| run.until > Instant::now())
    }
}

/// Returns a number from 0 to less than 1. The numbers of consecutive requests are spread evenly, so that a share
/// is exact after few requests, and without a period that the requests of a client could have too.
fn spread(request: u32) -> f64 {
    /// 2³² divided by the golden ratio.
    const STEP: u32 = 0x9E37_79B9;
    f64::from(request.wrapping_mul(STEP)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;

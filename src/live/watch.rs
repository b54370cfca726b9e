//! The viewers of the traffic, and the task that samples the traffic while there are viewers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::error;

use super::totals::Totals;
use crate::api::{Event, Traffic};

/// Time between two samples.
const PERIOD: Duration = Duration::from_secs(1);

/// Most viewers at once. Each holds a connection of the API's port.
const MOST_VIEWERS: usize = 16;

/// The live traffic of this instance.
pub(crate) struct Live {
    registry: Registry,
    /// Runs the task that samples.
    runtime: Handle,
    /// The last event. A slow viewer misses events instead of delaying or collecting them.
    latest: watch::Sender<Latest>,
    is_sampling: Mutex<bool>,
}

/// The last event, encoded once for all viewers.
#[derive(Clone)]
enum Latest {
    Nothing,
    Traffic(Event),
    Stopped,
}

/// The instance has as many viewers as it accepts.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{MOST_VIEWERS} viewers watch the traffic of this instance")]
pub(crate) struct TooManyViewers;

/// Receives events until it is dropped.
pub(crate) struct Viewer {
    latest: watch::Receiver<Latest>,
    has_ended: bool,
}

impl Live {
    /// Samples `registry` on the current runtime while there are viewers.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub(crate) fn new(registry: Registry) -> Self {
        let (runtime, latest) = (Handle::current(), watch::Sender::new(Latest::Nothing));
        Self { registry, runtime, latest, is_sampling: Mutex::new(false) }
    }

    /// Adds a viewer. The first viewer starts the task that samples.
    pub(crate) fn watch(self: &Arc<Self>) -> Result<Viewer, TooManyViewers> {
        let mut is_sampling = self.is_sampling.lock();
        if self.latest.receiver_count() >= MOST_VIEWERS {
            return Err(TooManyViewers);
        }
        let viewer = Viewer { latest: self.latest.subscribe(), has_ended: false };
        if !*is_sampling && !self.is_stopped() {
            *is_sampling = true;
            self.runtime.spawn(Arc::clone(self).sample());
        }
        Ok(viewer)
    }

    /// Ends the streams of all viewers, present and later ones, with a last event.
    pub(crate) fn stop(&self) {
        self.latest.send_replace(Latest::Stopped);
    }

    async fn sample(self: Arc<Self>) {
        let mut before = (Instant::now(), Totals::read(&self.registry));
        let mut ticks = interval_at(before.0 + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_due = tokio::select! {
                _ = ticks.tick() => true,
                () = self.latest.closed() => false,
            };
            if self.ends() {
                return;
            }
            // Otherwise the last viewer has left, and another one has come.
            if is_due {
                let now = (Instant::now(), Totals::read(&self.registry));
                self.publish(&now.1.since(&before.1, now.0 - before.0));
                before = now;
            }
        }
    }

    /// Returns whether the task ends. The lock decides between the last viewer who leaves and a new one.
    fn ends(&self) -> bool {
        let mut is_sampling = self.is_sampling.lock();
        *is_sampling = self.latest.receiver_count() > 0 && !self.is_stopped();
        !*is_sampling
    }

    fn publish(&self, traffic: &Traffic) {
        match Event::encode("traffic", traffic) {
            Ok(event) => {
                self.latest.send_if_modified(|latest| {
                    let goes_on = !matches!(latest, Latest::Stopped);
                    if goes_on {
                        *latest = Latest::Traffic(event);
                    }
                    goes_on
                });
            }
            Err(error) => error!(%error, "an event of the traffic could not be encoded; the viewers miss it"),
        }
    }

    fn is_stopped(&self) -> bool {
        matches!(*self.latest.borrow(), Latest::Stopped)
    }
}

impl Viewer {
    /// Waits for the next event. Returns `None` after the last one.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        if self.has_ended {
            return None;
        }
        let is_stopped = matches!(*self.latest.borrow(), Latest::Stopped);
        if !is_stopped {
            self.latest.changed().await.ok()?;
        }
        match self.latest.borrow_and_update().clone() {
            Latest::Nothing => None,
            Latest::Traffic(event) => Some(event),
            Latest::Stopped => {
                self.has_ended = true;
                Some(Event::STOPPED)
            }
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("viewers", &self.latest.receiver_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

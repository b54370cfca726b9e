//! The open connections of a listener: ends those that are idle or stalled for too long, and makes room
//! for new ones.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::activity::{Activity, Order};

/// Time between the order to finish and the order to close an idle connection. Over HTTP/2, a request may be on
/// its way while the server announces the end of the connection.
const LEAVE: Duration = Duration::from_secs(1);

/// Longest time between two looks at the connections.
const LOOK: Duration = Duration::from_secs(1);

/// Time between two attempts to make room for a new connection.
const RETRY: Duration = Duration::from_millis(20);

/// The limits of a listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Most connections at once.
    pub(super) connections: usize,
    /// Longest time for the head of a request to arrive, and for a connection to be idle.
    pub(super) header_timeout: Duration,
    /// Longest time for a client to accept no part of a response.
    pub(super) write_timeout: Duration,
    /// A new connection takes the place of the one that has waited for its client longest, if it has
    /// waited for longer than this.
    pub(super) spare: Duration,
}

impl Limits {
    /// Returns the time between two looks at the connections.
    pub(super) fn interval(&self) -> Duration {
        let shortest = self.header_timeout.min(self.write_timeout);
        (shortest / 10).clamp(Duration::from_millis(10), LOOK)
    }
}

/// The open connections of a listener.
#[derive(Debug)]
pub(super) struct Slots {
    limits: Limits,
    free: Arc<Semaphore>,
    open: Vec<Weak<Activity>>,
}

impl Slots {
    pub(super) fn new(limits: Limits) -> Self {
        // The configuration and the file descriptors limit the number far more.
        let free = Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS));
        Self { limits, free: Arc::new(free), open: Vec::new() }
    }

    /// Waits for a free slot. While no slot is free, closes connections that wait for their client, the
    /// longest waiting first. Never returns `None`, because the semaphore is never closed.
    pub(super) async fn acquire(&mut self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(slot);
            }
            self.make_room();
            tokio::select! {
                slot = Arc::clone(&self.free).acquire_owned() => return slot.ok(),
                () = sleep(RETRY) => {}
            }
        }
    }

    /// Adds a connection.
    pub(super) fn add(&mut self, activity: &Arc<Activity>) {
        self.open.push(Arc::downgrade(activity));
    }

    /// Ends the connections that are idle or stalled for too long.
    pub(super) fn look(&mut self) {
        let (limits, now) = (self.limits, Instant::now());
        self.each(|activity| {
            let idle = activity.idle(now);
            if activity.stalled(now).is_some_and(|time| time >= limits.write_timeout)
                || idle.is_some_and(|time| time >= limits.header_timeout + LEAVE)
            {
                activity.order(Order::Close);
            } else if idle.is_some_and(|time| time >= limits.header_timeout) {
                activity.order(Order::Finish);
            }
        });
    }

    /// Closes the connection that has waited for its client longest.
    pub(super) fn make_room(&mut self) {
        self.look();
        let (spare, now) = (self.limits.spare, Instant::now());
        let mut longest: Option<(Duration, Arc<Activity>)> = None;
        self.each(|activity| {
            let waits = activity.waits_for_client(now).filter(|time| *time >= spare);
            if let Some(time) = waits
                && activity.in_force() != Order::Close
                && longest.as_ref().is_none_or(|(longest, _)| time > *longest)
            {
                longest = Some((time, Arc::clone(activity)));
            }
        });
        if let Some((_, activity)) = longest {
            activity.order(Order::Close);
        }
    }

    /// Orders every connection to finish its requests under way.
    pub(super) fn finish(&mut self) {
        self.each(|activity| activity.order(Order::Finish));
    }

    /// Visits the open connections, oldest first, and forgets those that have ended.
    fn each(&mut self, mut visit: impl FnMut(&Arc<Activity>)) {
        self.open.retain(|activity| match activity.upgrade() {
            Some(activity) => {
                visit(&activity);
                true
            }
            None => false,
        });
    }
}

//! Tells the caches whether every change of a film or review changes its version.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whether changes are tracked, as the last check of the database found. Twice the number of times that
/// tracking has begun, plus 1 while changes are tracked.
#[derive(Debug, Default)]
pub(super) struct Tracking(AtomicU64);

impl Tracking {
    /// Notes what a check has found. Only one task may call this.
    pub(super) fn set(&self, is_tracked: bool) {
        let state = self.0.load(Ordering::Relaxed);
        let was_tracked = state & 1 == 1;
        if was_tracked != is_tracked {
            let next = if is_tracked { state + 3 } else { state - 1 };
            self.0.store(next, Ordering::Release);
        }
    }

    /// Returns the current period of tracking, or `None` if changes are not tracked. What was cached in
    /// another period may be stale: the version does not show what changed in between.
    pub(super) fn period(&self) -> Option<u64> {
        let state = self.0.load(Ordering::Acquire);
        (state & 1 == 1).then_some(state >> 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_return_of_tracking_begins_a_period() {
        let tracking = Tracking::default();
        let mut period = |is_tracked| {
            tracking.set(is_tracked);
            tracking.period()
        };
        assert_eq!(
            [true, true, false, false, true].map(&mut period),
            [Some(1), Some(1), None, None, Some(2)]
        );
    }
}

//! Tells the caches whether every change of a film changes the catalogue's version.

use parking_lot::Mutex;

/// Whether changes are tracked, as the last check of the database found.
#[derive(Debug, Default)]
pub(super) struct Tracking(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_tracked: bool,
    /// How often tracking has begun.
    period: u64,
}

impl Tracking {
    /// Notes what a check has found.
    pub(super) fn set(&self, is_tracked: bool) {
        let mut state = self.0.lock();
        state.period += u64::from(is_tracked && !state.is_tracked);
        state.is_tracked = is_tracked;
    }

    /// Returns the current period of tracking, or `None` if changes are not tracked. What was cached in
    /// another period may be stale: the version does not show what changed in between.
    pub(super) fn period(&self) -> Option<u64> {
        let state = self.0.lock();
        state.is_tracked.then_some(state.period)
    }
}

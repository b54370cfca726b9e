//! Reads one kind of response on one worker thread: from memory while a lease holds, or else by
//! a batch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::batcher::{BatchLimits, Batcher};
use super::cache::ResponseCache;
use super::cached_query::CachedQuery;
use super::entries::Entries;
use super::error::Error;
use super::leases::{Held, Leases};
use super::pooled::PooledQuery;
use super::version::Versioned;

/// The reads of one kind on one worker thread.
pub(super) struct Reads<Q: CachedQuery> {
    batcher: Batcher<PooledQuery<ResponseCache<Q>>>,
    leases: Option<Arc<Leases>>,
    /// The responses that this thread uses under a lease, so that threads share no lock. Their bytes are
    /// those of the shared cache.
    responses: Mutex<Entries<Q>>,
    counts: Counts,
}

/// Numbers of responses, by their source.
#[derive(Debug, Default)]
struct Counts {
    leased: AtomicU64,
    batched: AtomicU64,
}

impl<Q: CachedQuery> Reads<Q> {
    /// Starts the batches on the current runtime.
    pub(super) fn start(
        query: PooledQuery<ResponseCache<Q>>,
        limits: BatchLimits,
        leases: Option<&Arc<Leases>>,
        responses: Entries<Q>,
    ) -> Self {
        Self {
            batcher: Batcher::start(query, limits),
            leases: leases.cloned(),
            responses: Mutex::new(responses),
            counts: Counts::default(),
        }
    }

    /// Returns the response of a key, as it is at some moment after this call.
    pub(super) async fn read(&self, key: Q::Key) -> Result<Versioned<Q::Content>, Error> {
        let held = self.leases.as_ref().and_then(|leases| leases.held());
        if let Some(response) = held.and_then(|held| self.leased(held, &key)) {
            return Ok(response);
        }
        self.counts.batched.fetch_add(1, Ordering::Relaxed);
        let period = self.period();
        let response = self.batcher.submit(key.clone()).await?;
        // A response that was read over the end of a period belongs to none.
        if let Some(period) = period.filter(|period| self.period() == Some(*period)) {
            self.responses.lock().insert(period, key, response.clone());
        }
        Ok(response)
    }

    fn leased(&self, held: Held, key: &Q::Key) -> Option<Versioned<Q::Content>> {
        let response = self.responses.lock().get(held, key)?;
        self.counts.leased.fetch_add(1, Ordering::Relaxed);
        Some(response)
    }

    /// Returns the current period, if leases are used and changes are tracked.
    fn period(&self) -> Option<u64> {
        self.leases.as_ref()?.period()
    }

    /// Returns the metric label and the length of the queue.
    pub(super) fn queue_length(&self) -> (&'static str, usize) {
        self.batcher.queue_length()
    }

    /// Returns the metric label, and how many responses came from memory and how many from batches.
    pub(super) fn counts(&self) -> (&'static str, [(&'static str, u64); 2]) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (Q::NAME, [("lease", count(&self.counts.leased)), ("batch", count(&self.counts.batched))])
    }

    /// Refuses new batches and waits until the queued requests have their responses.
    pub(super) async fn close(&self) {
        self.batcher.close().await;
    }
}

impl<Q: CachedQuery> fmt::Debug for Reads<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(Q::NAME).field("counts", &self.counts).finish_non_exhaustive()
    }
}

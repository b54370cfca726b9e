//! Reads one kind of response: from memory while a lease holds, or else by a batch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::batcher::{BatchLimits, Batcher};
use super::cache::ResponseCache;
use super::cached_query::CachedQuery;
use super::entries::Entries;
use super::error::Error;
use super::leases::Leases;
use super::pooled::PooledQuery;
use super::version::Versioned;

/// The reads of one kind.
pub(super) struct Reads<Q: CachedQuery> {
    batcher: Batcher<PooledQuery<ResponseCache<Q>>>,
    /// `None` if every read needs a query.
    leased: Option<Leased<Q>>,
    counts: Counts,
}

/// What a worker thread reads from memory while a lease holds.
pub(super) struct Leased<Q: CachedQuery> {
    pub(super) leases: Arc<Leases>,
    /// Each thread has its own, so that threads share no lock. The bytes are those of the shared cache.
    pub(super) responses: Mutex<Entries<Q>>,
}

/// How often responses came from where.
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
        leased: Option<Leased<Q>>,
    ) -> Self {
        Self { batcher: Batcher::start(query, limits), leased, counts: Counts::default() }
    }

    /// Returns the response of a key, as it is at some moment after this call.
    pub(super) async fn read(&self, key: Q::Key) -> Result<Versioned<Q::Content>, Error> {
        let Some(leased) = &self.leased else {
            self.counts.batched.fetch_add(1, Ordering::Relaxed);
            return self.batcher.submit(key).await;
        };
        if let Some(response) = leased.leases.held().and_then(|held| leased.responses.lock().get(held, &key))
        {
            self.counts.leased.fetch_add(1, Ordering::Relaxed);
            return Ok(response);
        }
        self.counts.batched.fetch_add(1, Ordering::Relaxed);
        let period = leased.leases.period();
        let response = self.batcher.submit(key.clone()).await?;
        // A response that was read over the end of a period belongs to none.
        if let Some(period) = period.filter(|period| leased.leases.period() == Some(*period)) {
            leased.responses.lock().insert(period, key, response.clone());
        }
        Ok(response)
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

//! The responses that a cache holds, within limits for their number and their size.

use lru::LruCache;

use super::catalogue::{CachedQuery, Versioned};
use super::leases::Held;

/// The cached responses. The least recently used entry is evicted first.
pub(super) struct Entries<Q: CachedQuery> {
    /// The period of tracking that the responses were read in.
    period: u64,
    responses: LruCache<Q::Key, Versioned<Q::Content>>,
    /// The sum of their sizes in bytes.
    size: usize,
    max_count: usize,
    max_size: usize,
}

impl<Q: CachedQuery> Entries<Q> {
    pub(super) fn new(max_count: usize, max_size: usize) -> Self {
        Self { period: 0, responses: LruCache::unbounded(), size: 0, max_count, max_size }
    }

    /// Returns the cached response of a key, if it was read at this version and in this period. Drops the
    /// responses of an earlier period.
    pub(super) fn get(&mut self, held: Held, key: &Q::Key) -> Option<Versioned<Q::Content>> {
        self.begin(held.period);
        let response = self.responses.get(key).filter(|response| response.version == held.version);
        response.filter(|_| self.period == held.period).cloned()
    }

    /// Inserts a response that was read in this period, unless a later one has begun, and evicts others
    /// until both limits hold. A response above the limit for the size is not cached.
    pub(super) fn insert(&mut self, period: u64, key: Q::Key, response: Versioned<Q::Content>) {
        self.begin(period);
        if self.period != period {
            return;
        }
        if let Some(replaced) = self.responses.pop(&key) {
            self.size -= Q::size(&replaced.content);
        }
        let size = Q::size(&response.content);
        if self.max_count == 0 || size > self.max_size {
            return;
        }
        while self.responses.len() >= self.max_count || self.size + size > self.max_size {
            let Some((_, evicted)) = self.responses.pop_lru() else { break };
            self.size -= Q::size(&evicted.content);
        }
        self.size += size;
        self.responses.put(key, response);
    }

    fn begin(&mut self, period: u64) {
        if self.period < period {
            self.period = period;
            self.responses.clear();
            self.size = 0;
        }
    }
}

#[cfg(test)]
mod tests;

//! The responses that a cache holds, within limits for their number and their size.
//!
//! The crate `quick_cache` chooses what to evict: responses that were read once go before those that are read
//! again and again. So a client with many different filters does not evict those of everybody else.

use std::marker::PhantomData;

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::cached_query::CachedQuery;
use super::leases::Held;
use super::version::Versioned;

/// The cached responses.
pub(super) struct Entries<Q: CachedQuery> {
    /// The period of tracking that the responses were read in.
    period: u64,
    responses: Cache<Q::Key, Versioned<Q::Content>, Weight<Q>>,
}

/// Weighs a response by its size, with its key: a client that sends long keys with short responses must not fill
/// the memory. A response weighs at least the limit for the size, divided by the limit for the number. So the
/// limit for the weight holds both limits.
struct Weight<Q> {
    least: u64,
    query: PhantomData<fn() -> Q>,
}

impl<Q: CachedQuery> Weighter<Q::Key, Versioned<Q::Content>> for Weight<Q> {
    fn weight(&self, key: &Q::Key, response: &Versioned<Q::Content>) -> u64 {
        let size = size_of_val(key) + size_of_val(response) + Q::size(key, &response.content);
        (size as u64).max(self.least)
    }
}

impl<Q: CachedQuery> Entries<Q> {
    /// Returns a cache for at most `max_count` responses, which have at most `max_size` bytes together
    /// with their keys.
    pub(super) fn new(max_count: usize, max_size: usize) -> Self {
        let capacity = if max_count == 0 { 0 } else { max_size as u64 };
        let least = capacity.div_ceil(max_count.max(1) as u64).max(1);
        let responses = Cache::with_weighter(max_count, capacity, Weight { least, query: PhantomData });
        Self { period: 0, responses }
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
        // A worker thread inserts what it has already whenever a lease has ended. Looking is cheaper.
        let is_new = || self.responses.get(&key).is_none_or(|cached| cached.version != response.version);
        if self.period == period && is_new() {
            self.responses.insert(key, response);
        }
    }

    fn begin(&mut self, period: u64) {
        if self.period < period {
            self.period = period;
            self.responses.clear();
        }
    }
}

#[cfg(test)]
mod tests;

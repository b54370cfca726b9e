//! Caches responses about films, for as long as the catalogue keeps the version that they were read
//! at.
//!
//! A trigger gives the catalogue another version in the same transaction that changes a film,
//! whichever program changes it. Every batch reads the version first, so a cached response is as fresh
//! as a query.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::query::{Query, distinct, query_scalar};
use super::tracking::Tracking;
use crate::config::Database;

/// The state of all films. Two versions are equal only if no film was changed between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueVersion(pub(super) Uuid);

impl fmt::Display for CatalogueVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// A response, and the version that it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The catalogue's version in the snapshot that the content was read from.
    pub version: CatalogueVersion,
    /// The response.
    pub content: T,
}

/// A query whose results are cached per catalogue version.
pub(super) trait CachedQuery: Send + Sync + 'static {
    /// The metric label `query`.
    const NAME: &'static str;
    type Key: Copy + Eq + Hash + Send + Sync;
    type Content: Clone + Send;

    /// Reads the contents of distinct keys in their order, of all keys or of the first ones and at
    /// least one. Each content comes with the version in its own snapshot.
    fn read(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Versioned<Self::Content>>, sqlx::Error>> + Send;

    /// Returns the size of a content in bytes.
    fn size(content: &Self::Content) -> usize;
}

/// A query about films, with the responses that it has read.
pub(super) struct FilmCache<Q: CachedQuery> {
    entries: Mutex<Entries<Q>>,
    tracking: Arc<Tracking>,
}

/// The cached responses. The least recently used entry is evicted first.
struct Entries<Q: CachedQuery> {
    /// The period of tracking that the responses were read in.
    period: u64,
    responses: LruCache<Q::Key, Versioned<Q::Content>>,
    /// The sum of their sizes in bytes.
    size: usize,
    max_count: usize,
    max_size: usize,
}

impl<Q: CachedQuery> FilmCache<Q> {
    pub(super) fn new(config: &Database, tracking: &Arc<Tracking>) -> Self {
        let entries = Entries {
            period: 0,
            responses: LruCache::unbounded(),
            size: 0,
            max_count: config.cache_entries,
            max_size: config.cache_size,
        };
        Self { entries: Mutex::new(entries), tracking: Arc::clone(tracking) }
    }

    /// Returns the cached response of each key, if it was read at this version and in this period. Drops
    /// the responses of an earlier period.
    fn cached(
        &self,
        period: u64,
        version: CatalogueVersion,
        keys: &[Q::Key],
    ) -> Vec<Option<Versioned<Q::Content>>> {
        let mut entries = self.entries.lock();
        if entries.period < period {
            entries.clear();
            entries.period = period;
        } else if entries.period > period {
            return keys.iter().map(|_| None).collect();
        }
        let current =
            |key| entries.responses.get(key).filter(|response| response.version == version).cloned();
        keys.iter().map(current).collect()
    }

    /// Reads without the cache, and returns each response under a version of its own: no client may take
    /// it for the state of a later time.
    async fn read_untracked(
        &self,
        connection: &mut PgConnection,
        keys: &[Q::Key],
    ) -> Result<Vec<Versioned<Q::Content>>, sqlx::Error> {
        let version =
            query_scalar!(r#"select gen_random_uuid() as "version!""#).fetch_one(&mut *connection).await?;
        let (distinct, positions) = distinct(keys);
        let read = Q::read(connection, &distinct).await?;
        let under_new_version = |content: &Versioned<Q::Content>| Versioned {
            version: CatalogueVersion(version),
            content: content.content.clone(),
        };
        Ok(positions.into_iter().map_while(|position| read.get(position).map(under_new_version)).collect())
    }

    /// Inserts responses that were read in this period, unless the period has ended.
    fn insert(&self, period: u64, keys: &[Q::Key], responses: &[Versioned<Q::Content>]) {
        let mut entries = self.entries.lock();
        if entries.period != period {
            return;
        }
        for (key, response) in keys.iter().zip(responses) {
            entries.insert(*key, response.clone());
        }
    }
}

impl<Q: CachedQuery> Entries<Q> {
    fn clear(&mut self) {
        self.responses.clear();
        self.size = 0;
    }

    /// Inserts a response and evicts others until both limits hold. A response above the limit for the
    /// size is not cached.
    fn insert(&mut self, key: Q::Key, response: Versioned<Q::Content>) {
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
}

impl<Q: CachedQuery> Query for FilmCache<Q> {
    const NAME: &'static str = Q::NAME;
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "film";
    const READ_ONLY: bool = true;
    type Key = Q::Key;
    type Output = Versioned<Q::Content>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        keys: &[Q::Key],
    ) -> Result<Vec<Self::Output>, sqlx::Error> {
        let Some(period) = self.tracking.period() else {
            return self.read_untracked(connection, keys).await;
        };
        let version = query_scalar!("select version from film_catalogue").fetch_one(&mut *connection).await?;
        let cached = self.cached(period, CatalogueVersion(version), keys);
        let missing: Vec<Q::Key> =
            keys.iter().zip(&cached).filter(|(_, cached)| cached.is_none()).map(|(key, _)| *key).collect();
        if missing.is_empty() {
            return Ok(cached.into_iter().flatten().collect());
        }
        let (distinct, positions) = distinct(&missing);
        let read = Q::read(connection, &distinct).await?;
        self.insert(period, &distinct, &read);
        let mut read = positions.into_iter().map(|position| read.get(position).cloned());
        // Outputs end at the first key that was not read. Cached keys after it wait for the next batch.
        Ok(cached.into_iter().map_while(|cached| cached.or_else(|| read.next()?)).collect())
    }
}

impl<Q: CachedQuery> fmt::Debug for FilmCache<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(Q::NAME).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Caches responses, each for as long as the version lasts that it was read at.
//!
//! A trigger changes the version in the same transaction that changes a film or a review, whichever program
//! changes it. Every batch reads the versions first, so a cached response is as fresh as a query.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::postgres::PgConnection;

use super::cached_query::{CachedQuery, Lessor, Versions};
use super::entries::Entries;
use super::leases::{Held, Leases};
use super::query::{Query, distinct, query_scalar};
use super::tracking::Tracking;
use super::version::{Version, Versioned};
use crate::config::Database;

/// A kind of query, with the cached responses that it has read.
pub(super) struct ResponseCache<Q: CachedQuery> {
    entries: Mutex<Entries<Q>>,
    tracking: Arc<Tracking>,
    /// Gives leases with the version of the catalogue, if they are used.
    leases: Option<Arc<Leases>>,
}

impl<Q: CachedQuery> ResponseCache<Q> {
    pub(super) fn new(config: &Database, tracking: &Arc<Tracking>, leases: Option<&Arc<Leases>>) -> Self {
        let entries = Entries::new(config.cache_entries, config.cache_size);
        Self { entries: Mutex::new(entries), tracking: Arc::clone(tracking), leases: leases.cloned() }
    }

    /// Returns the cached response of each key, if it was read at its version and in this period. Drops
    /// the responses of an earlier period.
    fn cached(
        &self,
        period: u64,
        versions: &Versions,
        keys: &[Q::Key],
    ) -> Vec<Option<Versioned<Q::Content>>> {
        let mut entries = self.entries.lock();
        let mut cached = |(position, key)| {
            let version = versions.of(position)?;
            entries.get(Held { version, period }, key)
        };
        keys.iter().enumerate().map(&mut cached).collect()
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
            version: Version(version),
            content: content.content.clone(),
        };
        Ok(positions.into_iter().map_while(|position| read.get(position).map(under_new_version)).collect())
    }

    /// Inserts responses that were read in this period, unless the period has ended.
    fn insert(&self, period: u64, keys: &[Q::Key], responses: &[Versioned<Q::Content>]) {
        let mut entries = self.entries.lock();
        for (key, response) in keys.iter().zip(responses) {
            entries.insert(period, key.clone(), response.clone());
        }
    }
}

impl<Q: CachedQuery> Query for ResponseCache<Q> {
    const NAME: &'static str = Q::NAME;
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = Q::TABLE;
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
        let lessor = Lessor { leases: self.leases.as_deref(), period };
        let versions = Q::versions(connection, keys, lessor).await?;
        let cached = self.cached(period, &versions, keys);
        let missing: Vec<Q::Key> = keys
            .iter()
            .zip(&cached)
            .filter(|(_, cached)| cached.is_none())
            .map(|(key, _)| key.clone())
            .collect();
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

impl<Q: CachedQuery> fmt::Debug for ResponseCache<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(Q::NAME).finish_non_exhaustive()
    }
}

//! The contract of the queries whose results are cached.

use std::hash::Hash;

use sqlx::postgres::PgConnection;

use super::leases::Leases;
use super::version::{Version, Versioned};

/// A query whose results are cached, each for as long as its version lasts.
pub(super) trait CachedQuery: Send + Sync + 'static {
    /// The metric label `query`.
    const NAME: &'static str;
    /// The table, for the span.
    const TABLE: &'static str;
    /// What one request looks up.
    type Key: Clone + Eq + Hash + Send + Sync;
    /// The response to one request, without its version.
    type Content: Clone + Send;

    /// Reads the present versions of keys.
    fn versions(
        connection: &mut PgConnection,
        keys: &[Self::Key],
        lessor: Lessor<'_>,
    ) -> impl Future<Output = Result<Versions, sqlx::Error>> + Send;

    /// Reads the contents of distinct keys in their order, of all keys or of the first ones and at
    /// least one. Each content comes with the version in its own snapshot.
    fn read(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Versioned<Self::Content>>, sqlx::Error>> + Send;

    /// Returns the bytes that a key and a content have elsewhere in memory.
    fn size(key: &Self::Key, content: &Self::Content) -> usize;
}

/// Grants leases of the catalogue's version, if the instance uses leases.
pub(super) struct Lessor<'a> {
    pub(super) leases: Option<&'a Leases>,
    /// The period of tracking that the lease belongs to.
    pub(super) period: u64,
}

/// The versions of some keys.
pub(super) enum Versions {
    /// One version, which all keys have.
    Same(Version),
    /// A version for each key, in the order of the keys.
    Each(Vec<Version>),
}

impl Versions {
    /// Returns the version of the key at this position.
    pub(super) fn of(&self, position: usize) -> Option<Version> {
        match self {
            Self::Same(version) => Some(*version),
            Self::Each(versions) => versions.get(position).copied(),
        }
    }
}

//! The version of the catalogue, and what a query about films returns.

use std::fmt;
use std::hash::Hash;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

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
    type Key: Clone + Eq + Hash + Send + Sync;
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

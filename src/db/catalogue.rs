//! Answers about films, kept for as long as the catalogue has the version that they were read at.
//!
//! Every batch reads that version first, so that a kept answer is as fresh as one that is read: a
//! trigger gives the catalogue another version in the same transaction that changes a film, whoever
//! changes it.

use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::query::{Query, distinct, query_scalar};
use crate::config::Database;

/// The state of all films. Two of them are equal only where no film was changed in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub(super) Uuid);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// What was read, and the version that it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The catalogue's, in the same snapshot as the content.
    pub version: Version,
    /// What was read.
    pub content: T,
}

/// One kind of question about films.
pub(super) trait Read: Send + Sync + 'static {
    /// What it is called in metrics.
    const NAME: &'static str;
    type Key: Copy + Eq + Hash + Send + Sync;
    type Content: Clone + Send;

    /// Reads the answers to the keys in their order, to all or to the first and at least one, each
    /// with the version of its own snapshot.
    fn read(
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Versioned<Self::Content>>, sqlx::Error>> + Send;

    /// How much memory the content holds, in bytes.
    fn size(content: &Self::Content) -> usize;
}

/// A kind of question with the answers that are kept.
pub(super) struct Catalogue<R: Read> {
    kept: Mutex<Kept<R>>,
}

/// The answers used last.
struct Kept<R: Read> {
    answers: LruCache<R::Key, Versioned<R::Content>>,
    /// What they hold, in bytes.
    size: usize,
    max_entries: usize,
    max_size: usize,
}

impl<R: Read> Catalogue<R> {
    pub(super) fn new(config: &Database) -> Self {
        let kept = Kept {
            answers: LruCache::unbounded(),
            size: 0,
            max_entries: config.cache_entries,
            max_size: config.cache_size,
        };
        Self { kept: Mutex::new(kept) }
    }

    /// The answers that are kept from this version.
    fn kept(&self, version: Version, keys: &[R::Key]) -> Vec<Option<Versioned<R::Content>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let current = |key| kept.answers.get(key).filter(|answer| answer.version == version).cloned();
        keys.iter().map(current).collect()
    }

    fn keep(&self, keys: &[R::Key], answers: &[Versioned<R::Content>]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, answer) in keys.iter().zip(answers) {
            kept.insert(*key, answer.clone());
        }
    }
}

impl<R: Read> Kept<R> {
    /// Keeps the answer, and gives up those that were not used for longest where there are too many.
    fn insert(&mut self, key: R::Key, answer: Versioned<R::Content>) {
        if let Some(before) = self.answers.pop(&key) {
            self.size -= R::size(&before.content);
        }
        let size = R::size(&answer.content);
        if self.max_entries == 0 || size > self.max_size {
            return;
        }
        while self.answers.len() >= self.max_entries || self.size + size > self.max_size {
            let Some((_, oldest)) = self.answers.pop_lru() else { break };
            self.size -= R::size(&oldest.content);
        }
        self.size += size;
        self.answers.put(key, answer);
    }
}

impl<R: Read> Query for Catalogue<R> {
    const NAME: &'static str = R::NAME;
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "film";
    const READ_ONLY: bool = true;
    type Ask = R::Key;
    type Answer = Versioned<R::Content>;

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[R::Key],
    ) -> Result<Vec<Self::Answer>, sqlx::Error> {
        let version = query_scalar!("select version from film_catalogue").fetch_one(&mut *connection).await?;
        let kept = self.kept(Version(version), asks);
        let missing: Vec<R::Key> =
            asks.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(key, _)| *key).collect();
        if missing.is_empty() {
            return Ok(kept.into_iter().flatten().collect());
        }
        let (keys, places) = distinct(&missing);
        let read = R::read(connection, &keys).await?;
        self.keep(&keys, &read);
        let mut read = places.into_iter().map(|place| read.get(place).cloned());
        // It ends where the first was not read. What is kept beyond waits with it.
        Ok(kept.into_iter().map_while(|kept| kept.or_else(|| read.next()?)).collect())
    }
}

impl<R: Read> fmt::Debug for Catalogue<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(R::NAME).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;

//! What is common to all queries: they run on a connection of the pool, in batches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use tracing::Span;

use super::batch::Work;
use super::error::Error;
use super::pool::{Lease, Pool};

/// One kind of query, which answers many asks at once.
pub(super) trait Query: Send + Sync + 'static {
    /// What it is called in metrics.
    const NAME: &'static str;
    /// The SQL command, for its span.
    const OPERATION: &'static str;
    /// The table, for its span.
    const TABLE: &'static str;
    /// Whether it can be run twice.
    const READ_ONLY: bool;
    /// What one caller asks.
    type Ask: Copy + Send + Sync + 'static;
    /// What one caller is answered.
    type Answer: Send + 'static;

    /// Answers the asks in their order: all, or the first of them and at least one.
    fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[Self::Ask],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, sqlx::Error>> + Send;
}

/// A query with the pool that it runs on.
pub(super) struct OnPool<Q> {
    pool: Pool,
    query: Arc<Q>,
}

impl<Q> OnPool<Q> {
    pub(super) fn new(pool: &Pool, query: Arc<Q>) -> Self {
        Self { pool: pool.clone(), query }
    }
}

impl<Q: Query> Work for OnPool<Q> {
    const NAME: &'static str = Q::NAME;
    type Ask = Q::Ask;
    type Answer = Q::Answer;
    type Slot = Lease;

    async fn slot(&self) -> Result<Lease, Error> {
        self.pool.acquire().await
    }

    fn span(&self, size: usize) -> Span {
        self.pool.span(Q::OPERATION, Q::TABLE, size)
    }

    async fn run(&self, lease: Lease, asks: &[Q::Ask]) -> Result<Vec<Q::Answer>, Error> {
        lease.run(&*self.query, asks).await
    }
}

/// The distinct keys among `asks`, and for each ask the place of its key.
pub(super) fn distinct<K: Copy + Eq + Hash>(asks: &[K]) -> (Vec<K>, Vec<usize>) {
    let mut keys = Vec::with_capacity(asks.len());
    let mut places = HashMap::with_capacity(asks.len());
    let place_of = |ask: &K| {
        *places.entry(*ask).or_insert_with(|| {
            keys.push(*ask);
            keys.len() - 1
        })
    };
    let ask_places = asks.iter().map(place_of).collect();
    (keys, ask_places)
}

/// [`sqlx::query_as!`], with the text of the query noted on its span.
macro_rules! query_as {
    ($row:ty, $sql:literal $(, $argument:expr)*) => {{
        tracing::Span::current().record("db.query.text", $sql);
        sqlx::query_as!($row, $sql $(, $argument)*)
    }};
}
pub(super) use query_as;

/// [`sqlx::query_scalar!`], with the text of the query noted on its span.
macro_rules! query_scalar {
    ($sql:literal $(, $argument:expr)*) => {{
        tracing::Span::current().record("db.query.text", $sql);
        sqlx::query_scalar!($sql $(, $argument)*)
    }};
}
pub(super) use query_scalar;

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn equal_keys_share_a_place() {
        assert_eq!(distinct(&[7, 3, 7, 7, 3, 9]), (vec![7, 3, 9], vec![0, 1, 0, 0, 1, 2]));
        assert_eq!(distinct::<i32>(&[]), (vec![], vec![]));
    }
}

//! The contract of every query of the service, and macros that note the SQL on the query's span.

use std::collections::HashMap;
use std::hash::Hash;

use sqlx::postgres::PgConnection;

/// A query that processes many requests at once.
pub(super) trait Query: Send + Sync + 'static {
    /// The metric label `query`.
    const NAME: &'static str;
    /// The SQL command, for the span.
    const OPERATION: &'static str;
    /// The table, for the span.
    const TABLE: &'static str;
    /// Whether the query may be run a second time after its connection was lost.
    const READ_ONLY: bool;
    /// What one request looks up or writes.
    type Key: Clone + Send + Sync + 'static;
    /// The result for one request.
    type Output: Send + 'static;

    /// Returns the outputs of the keys in their order: of all keys, or of the first ones and at least
    /// one.
    fn run(
        &self,
        connection: &mut PgConnection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Self::Output>, sqlx::Error>> + Send;
}

/// Returns the distinct keys, and for each key its position among them.
pub(super) fn distinct<K: Clone + Eq + Hash>(keys: &[K]) -> (Vec<K>, Vec<usize>) {
    // Without load, most batches have one key. They need no map.
    if let [key] = keys {
        return (vec![key.clone()], vec![0]);
    }
    let mut distinct = Vec::with_capacity(keys.len());
    let mut position_of = HashMap::with_capacity(keys.len());
    let position = |key: &K| {
        *position_of.entry(key.clone()).or_insert_with(|| {
            distinct.push(key.clone());
            distinct.len() - 1
        })
    };
    let positions = keys.iter().map(position).collect();
    (distinct, positions)
}

/// [`sqlx::query_as!`], and notes the SQL on the current span.
macro_rules! query_as {
    ($row:ty, $sql:literal $(, $argument:expr)*) => {{
        tracing::Span::current().record("db.query.text", $sql);
        sqlx::query_as!($row, $sql $(, $argument)*)
    }};
}
pub(super) use query_as;

/// [`sqlx::query_scalar!`], and notes the SQL on the current span.
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
    fn equal_keys_share_a_position() {
        assert_eq!(distinct(&[7, 3, 7, 7, 3, 9]), (vec![7, 3, 9], vec![0, 1, 0, 0, 1, 2]));
        assert_eq!(distinct(&[7]), (vec![7], vec![0]));
        assert_eq!(distinct::<i32>(&[]), (vec![], vec![]));
    }
}

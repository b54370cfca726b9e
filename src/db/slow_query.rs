//! The fault `slow_query`: a query takes longer, on a connection that others cannot use meanwhile.

use std::sync::Arc;

use sqlx::postgres::PgConnection;

use super::query::Query;
use crate::faults::{Faults, Kind};

/// A query that the fault can make slow.
pub(super) struct Slowable<Q> {
    query: Arc<Q>,
    faults: Option<Faults>,
}

impl<Q> Slowable<Q> {
    pub(super) fn new(query: Arc<Q>, faults: Option<&Faults>) -> Self {
        Self { query, faults: faults.cloned() }
    }
}

impl<Q: Query> Query for Slowable<Q> {
    const NAME: &'static str = Q::NAME;
    const OPERATION: &'static str = Q::OPERATION;
    const TABLE: &'static str = Q::TABLE;
    const READ_ONLY: bool = Q::READ_ONLY;
    type Key = Q::Key;
    type Output = Q::Output;

    async fn run(
        &self,
        connection: &mut PgConnection,
        keys: &[Q::Key],
    ) -> Result<Vec<Q::Output>, sqlx::Error> {
        if let Some(faults) = &self.faults {
            // Not `pg_sleep`: this wait ends with the fault.
            Box::pin(faults.delay(Kind::SlowQuery)).await;
        }
        self.query.run(connection, keys).await
    }
}

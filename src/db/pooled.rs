//! A query with the pool that its batches run on.

use std::sync::Arc;

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::batcher::Processor;
use super::error::Error;
use super::failures::Failures;
use super::pool::{Pool, PoolConnection};
use super::query::Query;
use super::slow_query::Slowable;

/// Runs the batches of a query on connections of a pool.
pub(super) struct PooledQuery<Q> {
    pool: Pool,
    query: Slowable<Q>,
    failures: Arc<Failures>,
}

impl<Q> PooledQuery<Q> {
    pub(super) fn new(pool: &Pool, query: &Arc<Q>, failures: &Arc<Failures>) -> Self {
        let query = Slowable::new(Arc::clone(query), pool.faults());
        Self { pool: pool.clone(), query, failures: Arc::clone(failures) }
    }
}

impl<Q: Query> Processor for PooledQuery<Q> {
    const NAME: &'static str = Q::NAME;
    type Key = Q::Key;
    type Output = Q::Output;
    type Connection = PoolConnection;

    async fn acquire(&self) -> Result<PoolConnection, Error> {
        self.pool.acquire().await
    }

    /// Names follow OpenTelemetry's stable conventions for database clients. Numbers are `i64`s,
    /// because tracing-opentelemetry exports unsigned integers as text.
    fn span(&self, size: usize) -> Span {
        let options = self.pool.options();
        info_span!(
            "query",
            otel.name = format_args!("{} {}", Q::OPERATION, Q::TABLE),
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "postgresql",
            db.namespace = options.get_database(),
            db.operation.name = Q::OPERATION,
            db.collection.name = Q::TABLE,
            db.query.summary = format_args!("{} {}", Q::OPERATION, Q::TABLE),
            db.query.text = Empty,
            db.response.status_code = Empty,
            error.type = Empty,
            server.address = options.get_host(),
            server.port = i64::from(options.get_port()),
            // By the conventions, one operation is no batch.
            db.operation.batch.size = (size > 1).then(|| i64::try_from(size).unwrap_or(i64::MAX)),
        )
    }

    async fn run(&self, connection: PoolConnection, keys: &[Q::Key]) -> Result<Vec<Q::Output>, Error> {
        let result = connection.run(&self.query, keys).await;
        self.failures.note(&result);
        result
    }
}

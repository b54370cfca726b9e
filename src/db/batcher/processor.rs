//! What a batcher needs to know about its queries.

use tracing::Span;

use crate::db::error::Error;

/// Processes many requests with one query.
pub(crate) trait Processor: Send + Sync + 'static {
    /// The metric label `query`.
    const NAME: &'static str;
    /// What one request looks up or writes.
    type Key: Clone + Send + Sync + 'static;
    /// The result for one request.
    type Output: Send + 'static;
    /// The resource that a batch needs before it starts: a connection.
    type Connection: Send;

    /// Waits for a connection. More requests may join the batch meanwhile.
    fn acquire(&self) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Creates the span of a batch of this size, as a child of the current span.
    fn span(&self, size: usize) -> Span;

    /// Returns the outputs of the keys in their order: of all keys, or of the first ones and at least
    /// one. The remaining keys join the next batch.
    fn run(
        &self,
        connection: Self::Connection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Self::Output>, Error>> + Send;
}

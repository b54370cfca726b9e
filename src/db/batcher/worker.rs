//! The back of a batcher: takes queued requests and runs the query that they share.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_channel::Receiver;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tracing::Instrument as _;

use super::links::{self, RequestSpans};
use super::metrics::BatchMetrics;
use super::processor::Processor;
use super::times::BatchRun;
use crate::db::error::Error;

/// One request, queued or left over from a batch.
pub(super) struct QueuedRequest<P: Processor> {
    pub(super) key: P::Key,
    pub(super) reply: oneshot::Sender<Reply<P::Output>>,
    pub(super) enqueued_at: Instant,
    pub(super) spans: RequestSpans,
}

/// What a request receives when its batch has ended.
pub(super) struct Reply<T> {
    pub(super) result: Result<T, Error>,
    pub(super) run: BatchRun,
}

/// Runs batches, one after another. Several workers may share one value.
pub(super) struct Worker<P: Processor> {
    processor: P,
    queue: Receiver<QueuedRequest<P>>,
    max_batch_size: usize,
    metrics: BatchMetrics,
}

impl<P: Processor> Worker<P> {
    pub(super) fn new(processor: P, queue: Receiver<QueuedRequest<P>>, max_batch_size: usize) -> Self {
        Self { processor, queue, max_batch_size, metrics: BatchMetrics::new(P::NAME) }
    }

    /// Runs batches until the queue is closed and empty.
    pub(super) async fn run(self: Arc<Self>) {
        let mut unfinished = Vec::new();
        loop {
            if unfinished.is_empty() {
                let Ok(first) = self.queue.recv().await else { return };
                unfinished.push(first);
            }
            self.collect_arrivals().await;
            let connection = self.processor.acquire().await;
            let batch = self.next_batch(std::mem::take(&mut unfinished));
            match connection {
                Ok(connection) if !batch.is_empty() => unfinished = self.process(connection, batch).await,
                Ok(_) => {}
                Err(error) => fail(batch, &error, Instant::now()),
            }
        }
    }

    /// Yields to the runtime while it reads further requests from its sockets, so that they join this
    /// batch. If none has arrived, this costs one turn of the runtime.
    async fn collect_arrivals(&self) {
        let mut before = usize::MAX;
        while before != self.queue.len() && self.queue.len() < self.max_batch_size {
            before = self.queue.len();
            yield_now().await;
        }
    }

    /// Takes the queued requests after those in `first`, up to a full batch, and drops requests whose
    /// client has disconnected.
    fn next_batch(&self, first: Vec<QueuedRequest<P>>) -> Vec<QueuedRequest<P>> {
        let queued = std::iter::from_fn(|| self.queue.try_recv().ok());
        let has_client = |request: &QueuedRequest<P>| !request.reply.is_closed();
        first.into_iter().chain(queued).filter(has_client).take(self.max_batch_size).collect()
    }

    /// Runs a batch of at least one request and returns the requests that it left unfinished.
    async fn process(
        &self,
        connection: P::Connection,
        mut batch: Vec<QueuedRequest<P>>,
    ) -> Vec<QueuedRequest<P>> {
        let requests = batch.iter().map(|request| &request.spans);
        let span = links::query_span(requests, || self.processor.span(batch.len()));
        let started = Instant::now();
        self.metrics.record(started, batch.iter().map(|request| request.enqueued_at));
        for request in &mut batch {
            request.spans.started(|| self.metrics.keep_exemplar(started - request.enqueued_at));
        }
        let keys: Vec<_> = batch.iter().map(|request| request.key.clone()).collect();
        let query = AssertUnwindSafe(self.processor.run(connection, &keys)).catch_unwind().instrument(span);
        let outputs = match query.await.unwrap_or(Err(Error::Panicked)) {
            Ok(outputs) => outputs,
            Err(error) => {
                fail(batch, &error, started);
                return Vec::new();
            }
        };
        let run = BatchRun { started, ended: Instant::now(), size: batch.len() };
        // A query without outputs would be retried forever, so its first request fails: it is dropped
        // here without a reply.
        let unfinished = batch.split_off(outputs.len().clamp(1, batch.len()));
        for (request, output) in batch.into_iter().zip(outputs) {
            // The client may have disconnected in the meantime.
            let _ = request.reply.send(Reply { result: Ok(output), run });
        }
        unfinished
    }
}

/// Sends the error to every request of a batch. `started` is the start of its query, or of the failure before it.
fn fail<P: Processor>(batch: Vec<QueuedRequest<P>>, error: &Error, started: Instant) {
    let run = BatchRun { started, ended: Instant::now(), size: batch.len() };
    for request in batch {
        let _ = request.reply.send(Reply { result: Err(error.clone()), run });
    }
}

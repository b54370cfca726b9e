//! The front of a batcher: the bounded queue that requests wait in.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_channel::{Sender, TrySendError};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::links::RequestSpans;
use super::processor::Processor;
use super::times::BatchTimes;
use super::worker::{QueuedRequest, Reply, Worker};
use crate::db::error::Error;

/// The limits of one batcher.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    /// Most requests in one batch.
    pub(crate) max_batch_size: usize,
    /// Most requests in the queue.
    pub(crate) queue_size: usize,
    /// Most batches that run at once.
    pub(crate) workers: usize,
}

/// The handle to a queue and its workers.
pub(crate) struct Batcher<P: Processor> {
    queue: Sender<QueuedRequest<P>>,
    limits: BatchLimits,
    workers: Mutex<JoinSet<()>>,
}

impl<P: Processor> Batcher<P> {
    /// Starts the workers on the current runtime.
    pub(crate) fn start(processor: P, limits: BatchLimits) -> Self {
        let (queue, requests) = async_channel::bounded(limits.queue_size);
        let worker = Arc::new(Worker::new(processor, requests, limits.max_batch_size));
        let workers = (0..limits.workers).map(|_| Arc::clone(&worker).run()).collect();
        Self { queue, limits, workers: Mutex::new(workers) }
    }

    /// Queues a request and waits for its output, from a query that starts after this call.
    pub(crate) async fn submit(&self, key: P::Key) -> Result<P::Output, Error> {
        let (reply, output) = oneshot::channel();
        let (spans, enqueued_at) = (RequestSpans::enqueued(P::NAME), Instant::now());
        let request = QueuedRequest { key, reply, enqueued_at, spans };
        self.queue.try_send(request).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Overloaded(self.limits.queue_size),
            TrySendError::Closed(_) => Error::Closed,
        })?;
        BatchTimes::queued(enqueued_at);
        // A worker replies to every request that it takes, unless a processor breaks its contract.
        let Ok(Reply { result, run }) = output.await else { return Err(Error::Panicked) };
        BatchTimes::ended(enqueued_at, run);
        result
    }

    /// Returns the metric label and the length of the queue.
    pub(crate) fn queue_length(&self) -> (&'static str, usize) {
        (P::NAME, self.queue.len())
    }

    /// Refuses new requests and waits until the queued ones have their outputs.
    pub(crate) async fn close(&self) {
        self.queue.close();
        let workers = std::mem::take(&mut *self.workers.lock());
        // A worker contains the panics of its processor.
        workers.join_all().await;
    }
}

impl<P: Processor> fmt::Debug for Batcher<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(P::NAME).field("limits", &self.limits).finish_non_exhaustive()
    }
}

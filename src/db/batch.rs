//! Many concurrent asks become few queries. This file decides *when* a query runs; what it asks is
//! the [`Work`]'s business.
//!
//! 1. Time-free. A worker takes what is waiting, up to `max_batch_size`, and runs one query; while
//!    it runs, the next batch gathers. An idle service runs batches of one and adds no latency.
//! 2. Coalescing is not caching. An ask shares only a query that started after the ask arrived, so
//!    a read is never stale.
//! 3. Equal keys are asked for once: a [`Work`] sees them side by side.
//! 4. A failed batch fails its own asks only; so does one that panics.
//! 5. The queue is bounded: one ask too many is refused at once.
//! 6. A caller that went away costs nothing: its ask is dropped before the query starts.
//! 7. Closing refuses new asks and finishes the queued ones.
//! 8. Every batch is measured, and its span is linked with the spans of its callers.
//! 9. A `max_batch_size` of 1 is the plain path: a query for each ask, on as many workers as there
//!    are connections.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_channel::{Receiver, Sender, TrySendError};
use futures_util::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span, error, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::error::Error;
use super::metrics::{self, BatchMetrics};

/// How to answer many asks at once.
pub(super) trait Work: Send + Sync + 'static {
    /// What it is called in metrics.
    const NAME: &'static str;
    /// What one caller asks.
    type Ask: Send + 'static;
    /// What one caller is answered.
    type Answer: Send + 'static;
    /// What must be had before a batch can start: a connection.
    type Slot: Send;

    /// Waits for a slot. Asks keep gathering meanwhile.
    fn slot(&self) -> impl Future<Output = Result<Self::Slot, Error>> + Send;

    /// The span of one batch, as a child of the current span.
    fn span(&self, size: usize) -> Span;

    /// Answers the asks, in their order.
    fn run(
        &self,
        slot: Self::Slot,
        asks: Vec<Self::Ask>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Error>> + Send;
}

/// How much may wait, and how much runs at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Most asks in one batch.
    pub(super) max_batch_size: usize,
    /// Most asks that wait.
    pub(super) queue_size: usize,
    /// Most batches at once.
    pub(super) workers: usize,
}

/// The handle to a queue and its workers.
pub(super) struct Batch<W: Work> {
    queue: Sender<Waiting<W>>,
    limits: Limits,
    workers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// One ask in the queue.
struct Waiting<W: Work> {
    ask: W::Ask,
    reply: oneshot::Sender<Result<W::Answer, Error>>,
    since: Instant,
    /// The caller's span: the query's is its child, or linked to it.
    caller: Span,
    /// Ends when the query starts.
    wait: Span,
}

impl<W: Work> Batch<W> {
    /// Starts the workers.
    pub(super) fn start(work: W, limits: Limits) -> Self {
        let (queue, waiting) = async_channel::bounded(limits.queue_size);
        let worker = Arc::new(Worker { work, waiting, limits, metrics: BatchMetrics::new(W::NAME) });
        let workers = (0..limits.workers).map(|_| tokio::spawn(Arc::clone(&worker).run())).collect();
        metrics::observe_queue(W::NAME, &queue);
        Self { queue, limits, workers: Arc::new(Mutex::new(workers)) }
    }

    /// Asks, and waits for the answer of a query that starts from now on.
    pub(super) async fn ask(&self, ask: W::Ask) -> Result<W::Answer, Error> {
        let (reply, answer) = oneshot::channel();
        let caller = Span::current();
        let wait = info_span!("wait for batch", batch.name = W::NAME);
        let waiting = Waiting { ask, reply, since: Instant::now(), caller, wait };
        self.queue.try_send(waiting).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Overloaded(self.limits.queue_size),
            TrySendError::Closed(_) => Error::Closed,
        })?;
        // A worker replies to every ask that it takes, unless it panics.
        answer.await.unwrap_or(Err(Error::Panicked))
    }

    /// Refuses new asks and waits until the queued ones are answered.
    pub(super) async fn close(&self) {
        self.queue.close();
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            // It cannot panic outside `answer`, which contains it.
            let _ = worker.await;
        }
    }
}

struct Worker<W: Work> {
    work: W,
    waiting: Receiver<Waiting<W>>,
    limits: Limits,
    metrics: BatchMetrics,
}

impl<W: Work> Worker<W> {
    async fn run(self: Arc<Self>) {
        while let Ok(first) = self.waiting.recv().await {
            let slot = self.work.slot().await;
            let batch = self.gather(first);
            match slot {
                Ok(slot) if !batch.is_empty() => self.answer(slot, batch).await,
                Ok(_) => {}
                Err(error) => fail(batch.into_iter().map(|waiting| waiting.reply), &error),
            }
        }
    }

    /// All that is waiting by now, up to a batch, without those whose caller went away.
    fn gather(&self, first: Waiting<W>) -> Vec<Waiting<W>> {
        let rest = std::iter::from_fn(|| self.waiting.try_recv().ok());
        std::iter::once(first)
            .chain(rest)
            .filter(|waiting| !waiting.reply.is_closed())
            .take(self.limits.max_batch_size)
            .collect()
    }

    /// Answers a batch, which is not empty.
    async fn answer(&self, slot: W::Slot, batch: Vec<Waiting<W>>) {
        let span = self.span(&batch);
        self.metrics.record(batch.iter().map(|waiting| waiting.since));
        let (asks, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.ask, waiting.reply)).unzip();

        let query = AssertUnwindSafe(self.work.run(slot, asks)).catch_unwind().instrument(span);
        let answers = query.await.unwrap_or_else(|_| {
            error!(batch.name = W::NAME, "a batch panicked");
            Err(Error::Panicked)
        });
        match answers {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // A caller may have gone away in the meantime.
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(error) => fail(replies, &error),
        }
    }

    /// The query's span: a child of the first caller whose trace is recorded, and linked both ways
    /// with every other's.
    fn span(&self, batch: &[Waiting<W>]) -> Span {
        let recorded = |waiting: &Waiting<W>| {
            !waiting.caller.is_disabled() && waiting.caller.context().span().span_context().is_sampled()
        };
        let parent = batch.iter().position(recorded).unwrap_or_default();
        let span = batch[parent].caller.in_scope(|| self.work.span(batch.len()));
        for (place, other) in batch.iter().enumerate() {
            if place != parent {
                span.follows_from(&other.caller);
                other.wait.follows_from(&span);
            }
        }
        span
    }
}

/// Tells every caller of a batch why it has no answer.
fn fail<A>(replies: impl IntoIterator<Item = oneshot::Sender<Result<A, Error>>>, error: &Error) {
    for reply in replies {
        // A caller may have gone away in the meantime.
        let _ = reply.send(Err(error.clone()));
    }
}

impl<W: Work> Clone for Batch<W> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), limits: self.limits, workers: Arc::clone(&self.workers) }
    }
}

impl<W: Work> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(W::NAME).field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

//! Many concurrent asks become few queries: this file decides *when* one runs, the [`Work`] what.
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
//! 9. A `max_batch_size` of 1 is the plain path: a query for each ask.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_channel::{Receiver, Sender, TrySendError};
use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};
use tracing::{Instrument as _, Span, error, info_span};

use super::error::Error;
use super::links;
use super::metrics::BatchMetrics;

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

/// Most asks in one batch, most that wait, most batches at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_batch_size: usize,
    pub(super) queue_size: usize,
    pub(super) workers: usize,
}

/// The handle to a queue and its workers.
pub(super) struct Batch<W: Work> {
    queue: Sender<Waiting<W>>,
    limits: Limits,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// One ask in the queue.
struct Waiting<W: Work> {
    ask: W::Ask,
    reply: oneshot::Sender<Result<W::Answer, Error>>,
    since: Instant,
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
        Self { queue, limits, workers: Mutex::new(workers) }
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

    /// What it is called, and how many asks wait.
    pub(super) fn waiting(&self) -> (&'static str, usize) {
        (W::NAME, self.queue.len())
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
            self.let_others_ask().await;
            let slot = self.work.slot().await;
            let batch = self.gather(first);
            match slot {
                Ok(slot) if !batch.is_empty() => self.answer(slot, batch).await,
                Ok(_) => {}
                Err(error) => fail(batch.into_iter().map(|waiting| waiting.reply), &error),
            }
        }
    }

    /// Lets the runtime read what has arrived at its sockets, for as long as that brings further asks:
    /// they share the query. Where nothing has arrived it costs one look.
    async fn let_others_ask(&self) {
        let mut before = usize::MAX;
        while before != self.waiting.len() && self.waiting.len() < self.limits.max_batch_size {
            before = self.waiting.len();
            yield_now().await;
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
        let callers = batch.iter().map(|waiting| (&waiting.caller, &waiting.wait));
        let span = links::query_span(callers, || self.work.span(batch.len()));
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
                // A caller may have gone away in the meantime.
                replies.into_iter().zip(answers).for_each(|(reply, answer)| drop(reply.send(Ok(answer))));
            }
            Err(error) => fail(replies, &error),
        }
    }
}

/// Tells every caller of a batch why it has no answer.
fn fail<A>(replies: impl IntoIterator<Item = oneshot::Sender<Result<A, Error>>>, error: &Error) {
    replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone()))));
}

impl<W: Work> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(W::NAME).field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "batch_model.rs"]
mod model;
#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

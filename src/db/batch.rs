//! Many concurrent asks become few queries: this file decides *when* one runs, the [`Work`] what.
//!
//! 1. Time-free. A worker takes what is waiting, up to `max_batch_size`, and runs one query; while
//!    it runs, the next batch gathers. An idle service runs batches of one and adds no latency.
//! 2. Coalescing is not caching. An ask shares only a query that started after the ask arrived, so
//!    a read is never stale.
//! 3. Equal keys are asked for once: a [`Work`] sees them side by side, and may leave the last ones.
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
use tokio::task::{JoinSet, yield_now};
use tracing::{Instrument as _, Span};

use super::error::Error;
use super::links::{self, Caller};
use super::metrics::BatchMetrics;

/// How to answer many asks at once.
pub(super) trait Work: Send + Sync + 'static {
    /// What it is called in metrics.
    const NAME: &'static str;
    /// What one caller asks.
    type Ask: Copy + Send + Sync + 'static;
    /// What one caller is answered.
    type Answer: Send + 'static;
    /// What must be had before a batch can start: a connection.
    type Slot: Send;

    /// Waits for a slot. Asks keep gathering meanwhile.
    fn slot(&self) -> impl Future<Output = Result<Self::Slot, Error>> + Send;

    /// The span of one batch, as a child of the current span.
    fn span(&self, size: usize) -> Span;

    /// Answers the asks in their order: all, or the first and at least one. The others ask again.
    fn run(
        &self,
        slot: Self::Slot,
        asks: &[Self::Ask],
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
    workers: Mutex<JoinSet<()>>,
}

/// One ask, in the queue or left over from a batch.
struct Waiting<W: Work> {
    ask: W::Ask,
    reply: oneshot::Sender<Result<W::Answer, Error>>,
    since: Instant,
    caller: Caller,
}

impl<W: Work> Batch<W> {
    /// Starts the workers.
    pub(super) fn start(work: W, limits: Limits) -> Self {
        let (queue, waiting) = async_channel::bounded(limits.queue_size);
        let worker = Arc::new(Worker { work, waiting, limits, metrics: BatchMetrics::new(W::NAME) });
        let workers = (0..limits.workers).map(|_| Arc::clone(&worker).run()).collect();
        Self { queue, limits, workers: Mutex::new(workers) }
    }

    /// Asks, and waits for the answer of a query that starts from now on.
    pub(super) async fn ask(&self, ask: W::Ask) -> Result<W::Answer, Error> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { ask, reply, since: Instant::now(), caller: Caller::waits(W::NAME) };
        self.queue.try_send(waiting).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Overloaded(self.limits.queue_size),
            TrySendError::Closed(_) => Error::Closed,
        })?;
        // A worker replies to every ask that it takes, unless something is wrong with it.
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
        // They contain what panics in them.
        workers.join_all().await;
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
        let mut left = Vec::new();
        loop {
            if left.is_empty() {
                let Ok(first) = self.waiting.recv().await else { return };
                left.push(first);
            }
            self.let_others_ask().await;
            let slot = self.work.slot().await;
            let batch = self.gather(std::mem::take(&mut left));
            match slot {
                Ok(slot) if !batch.is_empty() => left = self.answer(slot, batch).await,
                Ok(_) => {}
                Err(error) => left = fail(batch, &error),
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
    fn gather(&self, first: Vec<Waiting<W>>) -> Vec<Waiting<W>> {
        let rest = std::iter::from_fn(|| self.waiting.try_recv().ok());
        let here = |waiting: &Waiting<W>| !waiting.reply.is_closed();
        first.into_iter().chain(rest).filter(here).take(self.limits.max_batch_size).collect()
    }

    /// Answers a batch, which is not empty, and returns what is left of it.
    async fn answer(&self, slot: W::Slot, mut batch: Vec<Waiting<W>>) -> Vec<Waiting<W>> {
        let callers = batch.iter().map(|waiting| &waiting.caller);
        let span = links::query_span(callers, || self.work.span(batch.len()));
        self.metrics.record(batch.iter().map(|waiting| waiting.since));
        for waiting in &mut batch {
            waiting.caller.waits_no_longer();
        }
        let asks: Vec<_> = batch.iter().map(|waiting| waiting.ask).collect();
        let query = AssertUnwindSafe(self.work.run(slot, &asks)).catch_unwind().instrument(span);
        let answers = match query.await.unwrap_or(Err(Error::Panicked)) {
            Ok(answers) => answers,
            Err(error) => return fail(batch, &error),
        };
        // One that answered nobody would be asked for ever: its first caller gets no reply at all.
        let left = batch.split_off(answers.len().clamp(1, batch.len()));
        for (waiting, answer) in batch.into_iter().zip(answers) {
            // The caller may have gone away in the meantime.
            let _ = waiting.reply.send(Ok(answer));
        }
        left
    }
}

/// Tells every caller of a batch why it has no answer. Nothing is left of the batch.
fn fail<W: Work>(batch: Vec<Waiting<W>>, error: &Error) -> Vec<Waiting<W>> {
    for waiting in batch {
        let _ = waiting.reply.send(Err(error.clone()));
    }
    Vec::new()
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

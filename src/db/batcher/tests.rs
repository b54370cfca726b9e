//! The rules in `mod.rs`, one by one, with a processor that each test controls and a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::Span;

use super::{BatchLimits, Batcher, Processor};
use crate::db::error::Error;

/// Doubles each number.
struct Doubler {
    /// One permit lets one batch start.
    starts: Arc<Semaphore>,
    /// One permit lets one batch end.
    ends: Arc<Semaphore>,
    /// Receives the keys of every batch that starts.
    started: mpsc::UnboundedSender<Vec<u32>>,
}

/// A batch leaves this key and the keys after it unfinished.
const UNFINISHED: u32 = 0x4000_0000;
/// A batch with this key fails.
const FAILS: u32 = u32::MAX - 1;
/// A batch with this key panics.
const PANICS: u32 = u32::MAX;

impl Processor for Doubler {
    const NAME: &'static str = "doubler";
    type Key = u32;
    type Output = u32;
    type Connection = ();

    async fn acquire(&self) -> Result<(), Error> {
        self.starts.acquire().await.map_err(|_| Error::Closed)?.forget();
        Ok(())
    }

    fn span(&self, _: usize) -> Span {
        Span::none()
    }

    async fn run(&self, (): (), keys: &[u32]) -> Result<Vec<u32>, Error> {
        self.started.send(keys.to_vec()).unwrap();
        self.ends.acquire().await.unwrap().forget();
        assert!(!keys.contains(&PANICS), "the test wants a panic");
        if keys.contains(&FAILS) {
            return Err(Error::QueryTimeout(Duration::ZERO));
        }
        let finished = keys.iter().position(|key| *key == UNFINISHED).unwrap_or(keys.len());
        Ok(keys[..finished].iter().map(|key| key * 2).collect())
    }
}

/// A batcher whose batches start and end when the test permits it.
struct Controlled {
    batcher: Arc<Batcher<Doubler>>,
    starts: Arc<Semaphore>,
    ends: Arc<Semaphore>,
    started: mpsc::UnboundedReceiver<Vec<u32>>,
}

impl Controlled {
    /// Batches start and end freely.
    fn free(limits: BatchLimits) -> Self {
        Self::with_permits(limits, 1_000_000, 1_000_000)
    }

    /// Batches start freely and do not end.
    fn slow(limits: BatchLimits) -> Self {
        Self::with_permits(limits, 1_000_000, 0)
    }

    fn with_permits(limits: BatchLimits, starts: usize, ends: usize) -> Self {
        let (starts, ends) = (Arc::new(Semaphore::new(starts)), Arc::new(Semaphore::new(ends)));
        let (sender, started) = mpsc::unbounded_channel();
        let doubler = Doubler { starts: Arc::clone(&starts), ends: Arc::clone(&ends), started: sender };
        Self { batcher: Arc::new(Batcher::start(doubler, limits)), starts, ends, started }
    }

    /// Submits a request from a background task. The request is in the queue when this returns.
    async fn submit(&self, number: u32) -> JoinHandle<Result<u32, Error>> {
        let batcher = Arc::clone(&self.batcher);
        let output = tokio::spawn(async move { batcher.submit(number).await });
        tokio::task::yield_now().await;
        output
    }
}

const LIMITS: BatchLimits = BatchLimits { max_batch_size: 4, queue_size: 100, workers: 1 };

#[tokio::test(start_paused = true)]
async fn an_idle_batcher_runs_batches_of_one_without_waiting() {
    let mut controlled = Controlled::free(LIMITS);
    let since = tokio::time::Instant::now();
    for number in 0..3 {
        assert_eq!(controlled.batcher.submit(number).await.unwrap(), number * 2);
        assert_eq!(controlled.started.recv().await.unwrap(), [number]);
    }
    // The paused clock advances only when every task waits for it.
    assert_eq!(since.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_during_a_query_shares_the_next_one() {
    let mut controlled = Controlled::slow(LIMITS);
    let mut outputs = vec![controlled.submit(0).await];
    assert_eq!(controlled.started.recv().await.unwrap(), [0]);
    for number in 1..=6 {
        outputs.push(controlled.submit(number).await);
    }
    controlled.ends.add_permits(1);
    assert_eq!(controlled.started.recv().await.unwrap(), [1, 2, 3, 4], "at most max_batch_size");
    controlled.ends.add_permits(1);
    assert_eq!(controlled.started.recv().await.unwrap(), [5, 6]);
    controlled.ends.add_permits(1);
    for (number, output) in (0..).zip(join_all(outputs).await) {
        assert_eq!(output.unwrap().unwrap(), number * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_requests_come_first_in_the_next_batch() {
    let mut controlled = Controlled::slow(LIMITS);
    let first = controlled.submit(0).await;
    assert_eq!(controlled.started.recv().await.unwrap(), [0]);
    let finished = controlled.submit(1).await;
    let unfinished = controlled.submit(UNFINISHED).await;
    let gone = controlled.submit(2).await;
    controlled.ends.add_permits(1);
    assert_eq!(controlled.started.recv().await.unwrap(), [1, UNFINISHED, 2]);
    let later = controlled.submit(3).await;
    gone.abort();
    controlled.ends.add_permits(1);
    assert_eq!(finished.await.unwrap().unwrap(), 2);
    assert_eq!(controlled.started.recv().await.unwrap(), [UNFINISHED, 3]);
    // Now the batch leaves its first request unfinished, which would repeat forever.
    controlled.ends.add_permits(2);
    assert!(matches!(unfinished.await.unwrap(), Err(Error::Panicked)));
    assert_eq!(controlled.started.recv().await.unwrap(), [3]);
    assert_eq!(later.await.unwrap().unwrap(), 6);
    assert_eq!(first.await.unwrap().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn requests_collect_while_the_worker_waits_for_a_connection() {
    let mut controlled = Controlled::with_permits(LIMITS, 0, 1_000_000);
    let mut outputs = Vec::new();
    for number in 0..3 {
        outputs.push(controlled.submit(number).await);
    }
    controlled.starts.add_permits(1);
    assert_eq!(controlled.started.recv().await.unwrap(), [0, 1, 2]);
    assert!(join_all(outputs).await.into_iter().all(|output| output.unwrap().is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_fails_its_own_batch_only() {
    let mut controlled = Controlled::slow(LIMITS);
    let first = controlled.submit(1).await;
    controlled.started.recv().await.unwrap();
    let (failing, neighbour) = (controlled.submit(FAILS).await, controlled.submit(2).await);
    controlled.ends.add_permits(2);
    assert!(matches!(failing.await.unwrap(), Err(Error::QueryTimeout(_))));
    assert!(matches!(neighbour.await.unwrap(), Err(Error::QueryTimeout(_))));
    assert_eq!(first.await.unwrap().unwrap(), 2);
    controlled.ends.add_permits(1);
    assert_eq!(controlled.batcher.submit(3).await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_own_batch_only() {
    let controlled = Controlled::free(LIMITS);
    assert!(matches!(controlled.batcher.submit(PANICS).await, Err(Error::Panicked)));
    assert_eq!(controlled.batcher.submit(3).await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_every_queued_request_fails() {
    let controlled = Controlled::with_permits(LIMITS, 0, 0);
    let outputs = [controlled.submit(1).await, controlled.submit(2).await];
    controlled.starts.close();
    for output in join_all(outputs).await {
        assert!(matches!(output.unwrap(), Err(Error::Closed)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let mut controlled = Controlled::slow(BatchLimits { queue_size: 2, ..LIMITS });
    let first = controlled.submit(1).await;
    controlled.started.recv().await.unwrap();
    let waiting = [controlled.submit(2).await, controlled.submit(3).await];
    assert!(matches!(controlled.batcher.submit(4).await, Err(Error::Overloaded(2))));
    controlled.ends.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap(), 2);
    assert!(join_all(waiting).await.into_iter().all(|output| output.unwrap().is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_disconnected_is_dropped() {
    let mut controlled = Controlled::slow(LIMITS);
    let first = controlled.submit(1).await;
    controlled.started.recv().await.unwrap();
    let gone = controlled.submit(2).await;
    let stays = controlled.submit(3).await;
    gone.abort();
    let _ = gone.await;
    controlled.ends.add_permits(2);
    assert_eq!(controlled.started.recv().await.unwrap(), [3]);
    assert_eq!((first.await.unwrap().unwrap(), stays.await.unwrap().unwrap()), (2, 6));
}

#[tokio::test(start_paused = true)]
async fn closing_finishes_queued_requests_and_refuses_new_ones() {
    let mut controlled = Controlled::slow(LIMITS);
    let mut outputs = Vec::new();
    for number in 0..10 {
        outputs.push(controlled.submit(number).await);
    }
    controlled.started.recv().await.unwrap();
    let batcher = Arc::clone(&controlled.batcher);
    let closing = tokio::spawn(async move { batcher.close().await });
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(controlled.batcher.submit(11).await, Err(Error::Closed)));
    assert!(!closing.is_finished());
    controlled.ends.add_permits(100);
    closing.await.unwrap();
    for (number, output) in (0..).zip(join_all(outputs).await) {
        assert_eq!(output.unwrap().unwrap(), number * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_batch_size_of_one_every_request_has_its_own_query() {
    let mut controlled = Controlled::slow(BatchLimits { max_batch_size: 1, workers: 3, ..LIMITS });
    let mut outputs = Vec::new();
    for number in 0..5 {
        outputs.push(controlled.submit(number).await);
    }
    sleep(Duration::from_secs(1)).await;
    let mut started = Vec::new();
    while let Ok(batch) = controlled.started.try_recv() {
        assert_eq!(batch.len(), 1);
        started.extend(batch);
    }
    assert_eq!(started.len(), 3, "one batch for each worker: {started:?}");
    controlled.ends.add_permits(100);
    assert!(join_all(outputs).await.into_iter().all(|output| output.unwrap().is_ok()));
}

#[tokio::test]
async fn under_load_every_request_gets_its_own_output() {
    let controlled = Controlled::free(BatchLimits { max_batch_size: 7, queue_size: 10_000, workers: 2 });
    let wrong = AtomicUsize::new(0);
    join_all((0..5_000).map(|number| {
        let (batcher, wrong) = (&controlled.batcher, &wrong);
        async move {
            if batcher.submit(number).await.unwrap() != number * 2 {
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
    .await;
    assert_eq!(wrong.into_inner(), 0);
}

//! The rules at the top of `batch.rs`, one by one, with work that a test holds in its hand and a
//! clock that stands still.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::*;

/// Answers each number with its double, when the test lets it.
struct Doubler {
    /// One permit lets one batch start.
    starts: Arc<Semaphore>,
    /// One permit lets one batch end.
    ends: Arc<Semaphore>,
    /// Every batch as it started.
    started: mpsc::UnboundedSender<Vec<u32>>,
}

/// This one and what follows is left to the next query.
const ENOUGH: u32 = 0x4000_0000;
const FAILS: u32 = u32::MAX - 1;
const PANICS: u32 = u32::MAX;

impl Work for Doubler {
    const NAME: &'static str = "doubler";
    type Ask = u32;
    type Answer = u32;
    type Slot = ();

    async fn slot(&self) -> Result<(), Error> {
        self.starts.acquire().await.map_err(|_| Error::Closed)?.forget();
        Ok(())
    }

    fn span(&self, _: usize) -> Span {
        Span::none()
    }

    async fn run(&self, (): (), asks: &[u32]) -> Result<Vec<u32>, Error> {
        self.started.send(asks.to_vec()).unwrap();
        self.ends.acquire().await.unwrap().forget();
        assert!(!asks.contains(&PANICS), "as asked");
        if asks.contains(&FAILS) {
            return Err(Error::QueryTimeout(Duration::ZERO));
        }
        let enough = asks.iter().position(|ask| *ask == ENOUGH).unwrap_or(asks.len());
        Ok(asks[..enough].iter().map(|ask| ask * 2).collect())
    }
}

/// A batch with the strings that move it.
struct Puppet {
    batch: Arc<Batch<Doubler>>,
    starts: Arc<Semaphore>,
    ends: Arc<Semaphore>,
    started: mpsc::UnboundedReceiver<Vec<u32>>,
}

impl Puppet {
    /// Starts and ends batches by itself until told otherwise.
    fn free(limits: Limits) -> Self {
        Self::with(limits, 1_000_000, 1_000_000)
    }

    /// Starts batches by itself, and ends none.
    fn slow(limits: Limits) -> Self {
        Self::with(limits, 1_000_000, 0)
    }

    fn with(limits: Limits, starts: usize, ends: usize) -> Self {
        let (starts, ends) = (Arc::new(Semaphore::new(starts)), Arc::new(Semaphore::new(ends)));
        let (sender, started) = mpsc::unbounded_channel();
        let work = Doubler { starts: Arc::clone(&starts), ends: Arc::clone(&ends), started: sender };
        Self { batch: Arc::new(Batch::start(work, limits)), starts, ends, started }
    }

    /// Asks in the background; the ask is in the queue when this returns.
    async fn ask(&self, number: u32) -> JoinHandle<Result<u32, Error>> {
        let batch = Arc::clone(&self.batch);
        let asked = tokio::spawn(async move { batch.ask(number).await });
        tokio::task::yield_now().await;
        asked
    }
}

const LIMITS: Limits = Limits { max_batch_size: 4, queue_size: 100, workers: 1 };

#[tokio::test(start_paused = true)]
async fn an_idle_batch_has_one_ask_and_waits_for_nothing() {
    let mut puppet = Puppet::free(LIMITS);
    let since = tokio::time::Instant::now();
    for number in 0..3 {
        assert_eq!(puppet.batch.ask(number).await.unwrap(), number * 2);
        assert_eq!(puppet.started.recv().await.unwrap(), [number]);
    }
    // The paused clock moves only when everything waits for it.
    assert_eq!(since.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_during_a_query_shares_the_next_one_and_never_that_one() {
    let mut puppet = Puppet::slow(LIMITS);
    let mut asked = vec![puppet.ask(0).await];
    assert_eq!(puppet.started.recv().await.unwrap(), [0]);
    for number in 1..=6 {
        asked.push(puppet.ask(number).await);
    }
    puppet.ends.add_permits(1);
    assert_eq!(puppet.started.recv().await.unwrap(), [1, 2, 3, 4], "no more than a batch");
    puppet.ends.add_permits(1);
    assert_eq!(puppet.started.recv().await.unwrap(), [5, 6]);
    puppet.ends.add_permits(1);
    for (number, answer) in (0..).zip(join_all(asked).await) {
        assert_eq!(answer.unwrap().unwrap(), number * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_query_leaves_comes_first_in_the_next_one() {
    let mut puppet = Puppet::slow(LIMITS);
    let first = puppet.ask(0).await;
    assert_eq!(puppet.started.recv().await.unwrap(), [0]);
    let answered = puppet.ask(1).await;
    let left = puppet.ask(ENOUGH).await;
    let gone = puppet.ask(2).await;
    puppet.ends.add_permits(1);
    assert_eq!(puppet.started.recv().await.unwrap(), [1, ENOUGH, 2]);
    let later = puppet.ask(3).await;
    gone.abort();
    puppet.ends.add_permits(1);
    assert_eq!(answered.await.unwrap().unwrap(), 2);
    assert_eq!(puppet.started.recv().await.unwrap(), [ENOUGH, 3]);
    // It leaves its very first now, which would go on for ever.
    puppet.ends.add_permits(2);
    assert!(matches!(left.await.unwrap(), Err(Error::Panicked)));
    assert_eq!(puppet.started.recv().await.unwrap(), [3]);
    assert_eq!(later.await.unwrap().unwrap(), 6);
    assert_eq!(first.await.unwrap().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn asks_gather_while_a_slot_is_awaited() {
    let mut puppet = Puppet::with(LIMITS, 0, 1_000_000);
    let mut asked = Vec::new();
    for number in 0..3 {
        asked.push(puppet.ask(number).await);
    }
    puppet.starts.add_permits(1);
    assert_eq!(puppet.started.recv().await.unwrap(), [0, 1, 2]);
    assert!(join_all(asked).await.into_iter().all(|answer| answer.unwrap().is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_fails_its_own_batch_only() {
    let mut puppet = Puppet::slow(LIMITS);
    let first = puppet.ask(1).await;
    puppet.started.recv().await.unwrap();
    let (failing, beside) = (puppet.ask(FAILS).await, puppet.ask(2).await);
    puppet.ends.add_permits(2);
    assert!(matches!(failing.await.unwrap(), Err(Error::QueryTimeout(_))));
    assert!(matches!(beside.await.unwrap(), Err(Error::QueryTimeout(_))));
    assert_eq!(first.await.unwrap().unwrap(), 2);
    puppet.ends.add_permits(1);
    assert_eq!(puppet.batch.ask(3).await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_its_own_batch_only() {
    let puppet = Puppet::free(LIMITS);
    assert!(matches!(puppet.batch.ask(PANICS).await, Err(Error::Panicked)));
    assert_eq!(puppet.batch.ask(3).await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn without_a_slot_every_waiting_ask_fails() {
    let puppet = Puppet::with(LIMITS, 0, 0);
    let asked = [puppet.ask(1).await, puppet.ask(2).await];
    puppet.starts.close();
    for answer in join_all(asked).await {
        assert!(matches!(answer.unwrap(), Err(Error::Closed)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let mut puppet = Puppet::slow(Limits { queue_size: 2, ..LIMITS });
    let first = puppet.ask(1).await;
    puppet.started.recv().await.unwrap();
    let waiting = [puppet.ask(2).await, puppet.ask(3).await];
    assert!(matches!(puppet.batch.ask(4).await, Err(Error::Overloaded(2))));
    puppet.ends.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap(), 2);
    assert!(join_all(waiting).await.into_iter().all(|answer| answer.unwrap().is_ok()));
}

#[tokio::test(start_paused = true)]
async fn an_ask_whose_caller_went_away_is_never_asked() {
    let mut puppet = Puppet::slow(LIMITS);
    let first = puppet.ask(1).await;
    puppet.started.recv().await.unwrap();
    let gone = puppet.ask(2).await;
    let stays = puppet.ask(3).await;
    gone.abort();
    let _ = gone.await;
    puppet.ends.add_permits(2);
    assert_eq!(puppet.started.recv().await.unwrap(), [3]);
    assert_eq!((first.await.unwrap().unwrap(), stays.await.unwrap().unwrap()), (2, 6));
}

#[tokio::test(start_paused = true)]
async fn closing_finishes_what_is_queued_and_refuses_the_rest() {
    let mut puppet = Puppet::slow(LIMITS);
    let mut asked = Vec::new();
    for number in 0..10 {
        asked.push(puppet.ask(number).await);
    }
    puppet.started.recv().await.unwrap();
    let batch = puppet.batch.clone();
    let closing = tokio::spawn(async move { batch.close().await });
    sleep(Duration::from_secs(1)).await;
    assert!(matches!(puppet.batch.ask(11).await, Err(Error::Closed)));
    assert!(!closing.is_finished());
    puppet.ends.add_permits(100);
    closing.await.unwrap();
    for (number, answer) in (0..).zip(join_all(asked).await) {
        assert_eq!(answer.unwrap().unwrap(), number * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_size_of_one_is_a_query_for_each_ask_on_every_worker() {
    let mut puppet = Puppet::slow(Limits { max_batch_size: 1, workers: 3, ..LIMITS });
    let mut asked = Vec::new();
    for number in 0..5 {
        asked.push(puppet.ask(number).await);
    }
    sleep(Duration::from_secs(1)).await;
    let mut started = Vec::new();
    while let Ok(batch) = puppet.started.try_recv() {
        assert_eq!(batch.len(), 1);
        started.extend(batch);
    }
    assert_eq!(started.len(), 3, "as many as there are workers: {started:?}");
    puppet.ends.add_permits(100);
    assert!(join_all(asked).await.into_iter().all(|answer| answer.unwrap().is_ok()));
}

#[tokio::test]
async fn under_load_every_caller_gets_its_own_answer() {
    let puppet = Puppet::free(Limits { max_batch_size: 7, queue_size: 10_000, workers: 2 });
    let wrong = AtomicUsize::new(0);
    join_all((0..5_000).map(|number| {
        let (batch, wrong) = (&puppet.batch, &wrong);
        async move {
            if batch.ask(number).await.unwrap() != number * 2 {
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
    .await;
    assert_eq!(wrong.into_inner(), 0);
}

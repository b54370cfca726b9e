//! How long a request waited for its batch and for its query.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

thread_local! {
    /// The times of the request whose future runs on this thread.
    static CURRENT: Cell<BatchTimes> = const { Cell::new(BatchTimes::NONE) };
}

/// What a request spent on batches. All zero for a response from memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchTimes {
    /// Time from the queue to the start of the query. It is a sum if the request was queued again.
    pub(crate) wait: Duration,
    /// Duration of the query, for all requests of the batch.
    pub(crate) query: Duration,
    /// Number of requests in the last batch. It is 0 if no batch has ended.
    pub(crate) size: usize,
    /// Time from the queue to the end of the request, if the request ended before its batch.
    pub(crate) unfinished: Option<Duration>,
    /// When the request was queued, until its batch has ended.
    queued_at: Option<Instant>,
}

/// A batch that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchRun {
    /// When the query started. A batch without a connection has the time of the failure.
    pub(super) started: Instant,
    pub(super) ended: Instant,
    /// Number of requests.
    pub(super) size: usize,
}

impl BatchTimes {
    const NONE: Self =
        Self { wait: Duration::ZERO, query: Duration::ZERO, size: 0, unfinished: None, queued_at: None };

    /// Runs a request, and returns its output with its times.
    ///
    /// tokio's task-local values do the same, and also allow scopes in scopes, which a request does not need.
    /// Every request pays for this, and only a slow one uses it.
    pub(crate) fn of<F: Future>(mut request: Pin<&mut F>) -> impl Future<Output = (F::Output, Self)> {
        let mut times = Self::NONE;
        poll_fn(move |context| {
            CURRENT.set(times);
            let polled = request.as_mut().poll(context);
            times = CURRENT.get();
            polled.map(|output| (output, times.ended_request()))
        })
    }

    fn ended_request(self) -> Self {
        Self { unfinished: self.queued_at.map(|queued_at| queued_at.elapsed()), ..self }
    }

    /// Notes that the current request is queued.
    pub(super) fn queued(at: Instant) {
        CURRENT.set(Self { queued_at: Some(at), ..CURRENT.get() });
    }

    /// Notes that the batch of the current request has ended.
    pub(super) fn ended(queued_at: Instant, run: BatchRun) {
        let BatchTimes { wait, query, .. } = CURRENT.get();
        CURRENT.set(Self {
            wait: wait + (run.started - queued_at),
            query: query + (run.ended - run.started),
            size: run.size,
            ..Self::NONE
        });
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::join;
    use tokio::task::yield_now;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Is queued as often as there are sizes, and once more without a batch if `is_unfinished`.
    async fn request(sizes: &[usize], is_unfinished: bool) {
        for size in sizes {
            let queued_at = Instant::now();
            BatchTimes::queued(queued_at);
            yield_now().await;
            let (started, ended) = (queued_at + MILLISECOND, queued_at + MILLISECOND * 3);
            BatchTimes::ended(queued_at, BatchRun { started, ended, size: *size });
            yield_now().await;
        }
        if is_unfinished {
            BatchTimes::queued(Instant::now());
        }
    }

    #[tokio::test]
    async fn requests_on_one_thread_have_their_own_times() {
        let (one, two) = (pin!(request(&[7], true)), pin!(request(&[3, 2], false)));
        let (((), one), ((), two)) = join(BatchTimes::of(one), BatchTimes::of(two)).await;
        assert_eq!((one.wait, one.query, one.size), (MILLISECOND, MILLISECOND * 2, 7));
        assert_eq!((two.wait, two.query, two.size), (MILLISECOND * 2, MILLISECOND * 4, 2));
        assert_eq!((one.unfinished.is_some(), two.unfinished), (true, None));

        let ((), none) = BatchTimes::of(pin!(async {})).await;
        assert_eq!((none.size, none.unfinished), (0, None));
    }
}

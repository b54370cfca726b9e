//! The worker threads that serve requests. Each has its own runtime: it parses a read, batches it, runs
//! its query and writes the response. The threads meet once a batch, at the connection pool and the
//! cache. Only a review goes to another thread: the main thread, which has the single writer.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Shorter than most timeouts of requests and queries.
const EARLY: Duration = Duration::from_secs(1);

/// A worker thread and its runtime.
#[derive(Debug)]
pub(super) struct WorkerThread {
    runtime: Handle,
    /// The thread ends when this is dropped; nothing is ever sent.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl WorkerThread {
    /// Starts the thread.
    pub(super) fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            runtime.spawn(keep_early_timer());
            drop(runtime.block_on(stopped));
            // A plain drop would wait for the lookup of a host name.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, stop, thread })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Ends the thread. Tasks that still run on it end at their next await.
    pub(super) fn stop(self) {
        drop(self.stop);
        // The thread cannot panic: tasks contain their own panics.
        let _ = self.thread.join();
    }
}

/// Keeps a timer that ends before the timeouts of requests and queries.
///
/// tokio wakes a thread for each timer that ends before all others, although the thread itself starts the timer
/// (<https://github.com/tokio-rs/tokio/issues/5207>). Without this timer, that would be a system call for each request
/// that needs a query, and one for each query.
async fn keep_early_timer() {
    loop {
        sleep(EARLY).await;
    }
}

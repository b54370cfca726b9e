//! The worker threads that serve requests. Each has its own runtime: it parses a read, batches it, runs
//! its query and writes the response. The threads meet once a batch, at the connection pool and the
//! cache. Only a review goes to another thread: the main thread, which has the single writer.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

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

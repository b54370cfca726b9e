//! The threads that serve requests. Each has a runtime of its own: a read is parsed, batched, asked
//! of Postgres and answered on one thread, which meets the others once a batch, at the pool and the
//! kept answers. Only a review is handed on, to the one writer.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// One thread with its runtime.
#[derive(Debug)]
pub(crate) struct Core {
    runtime: Handle,
    /// Never sent on: the thread ends when it is dropped.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Core {
    pub(crate) fn start(index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("core-{index}")).spawn(move || {
            drop(runtime.block_on(stopped));
            // Without waiting for a host name that is still being looked up.
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, stop, thread })
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Ends the thread. What still ran on it ends where it waits.
    pub(crate) fn stop(self) {
        drop(self.stop);
        // It cannot panic: tasks contain their own.
        let _ = self.thread.join();
    }
}

//! All clients of a run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};

use super::changer::Changer;
use super::stage::Stage;
use super::visitor::Visitor;

/// Clients that change films.
const CHANGERS: u32 = 2;

pub(in super::super) struct Crowd {
    stage: Arc<Stage>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Crowd {
    /// Starts as many clients of the service, and those that change films.
    pub(in super::super) fn start(stage: &Arc<Stage>, clients: u32) -> Self {
        let client = |number| {
            let stage = Arc::clone(stage);
            thread::spawn(move || {
                if number < clients {
                    Visitor::new(&stage, number).run()
                } else {
                    Changer::new(&stage, number).run()
                }
            })
        };
        Self { stage: Arc::clone(stage), threads: (0..clients + CHANGERS).map(client).collect() }
    }

    /// Ends all clients, and waits for their last operations. Returns the number of the next client.
    pub(in super::super) fn end(self) -> Result<u32> {
        self.stage.over.store(true, Ordering::Relaxed);
        let next = u32::try_from(self.threads.len())?;
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("the thread of a client panicked: its message is above"))??;
        }
        Ok(next)
    }
}

//! What all clients share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::super::history::{Action, Line, Operation, Outcome, Run};
use super::super::recorder::Recorder;

/// The run, and where clients reach what.
pub(in super::super) struct Stage {
    pub(in super::super) run: Run,
    pub(in super::super) recorder: Recorder,
    /// Where clients reach each instance.
    pub(in super::super) instances: Vec<SocketAddr>,
    /// Where clients reach the primary, as a URL.
    pub(in super::super) database: String,
    pub(in super::super) over: AtomicBool,
}

impl Stage {
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn sleep(&self, time: Duration) {
        if !self.is_over() {
            thread::sleep(time);
        }
    }

    /// Records an operation of a client at Postgres.
    pub(super) fn record_sql(
        &self,
        client: u32,
        action: Action,
        (invoked, returned): (u64, u64),
        outcome: Outcome,
    ) -> Result<()> {
        self.recorder.write(&Line::Operation(Operation {
            client,
            action,
            invoked,
            returned,
            outcome,
            instance: None,
            status: None,
        }))
    }
}

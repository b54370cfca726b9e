//! The instruments of a batcher.

use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::BoundHistogram;

use crate::telemetry::{BATCH_SIZE, BATCH_WAIT, Exemplars};

/// Bucket bounds for the number of requests in a batch.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Measures the batches of one kind of query.
pub(super) struct BatchMetrics {
    size: BoundHistogram<u64>,
    wait: BoundHistogram<f64>,
    waits: Exemplars,
}

impl BatchMetrics {
    pub(super) fn new(query: &'static str) -> Self {
        let labels = [KeyValue::new("query", query)];
        Self {
            size: BATCH_SIZE.sizes(&SIZES).bind(&labels),
            wait: BATCH_WAIT.durations().bind(&labels),
            waits: Exemplars::new(&BATCH_WAIT, &labels),
        }
    }

    /// Records a batch, from the time of its start and the times at which its requests were queued.
    pub(super) fn record(&self, started: Instant, enqueued_at: impl ExactSizeIterator<Item = Instant>) {
        self.size.record(enqueued_at.len() as u64);
        for enqueued_at in enqueued_at {
            self.wait.record((started - enqueued_at).as_secs_f64());
        }
    }

    /// Keeps the wait of a sampled request as an exemplar. The span of the wait must be the current one.
    pub(super) fn keep_exemplar(&self, wait: Duration) {
        self.waits.record(wait.as_secs_f64());
    }
}

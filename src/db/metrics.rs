//! The room's instruments. Names follow OpenTelemetry's conventions where it has one.

use std::collections::BTreeMap;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use opentelemetry::metrics::BoundHistogram;
use opentelemetry::{KeyValue, global};

use super::Db;
use super::pool::Pool;
use crate::telemetry::SECONDS;

/// Bounds of a batch's size.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// What is known of the batches of one kind.
pub(super) struct BatchMetrics {
    size: BoundHistogram<u64>,
    wait: BoundHistogram<f64>,
}

impl BatchMetrics {
    pub(super) fn new(name: &'static str) -> Self {
        let meter = global::meter("films");
        let name = [KeyValue::new("batch.name", name)];
        Self {
            size: meter
                .u64_histogram("batch.size")
                .with_description("Requests that shared one query")
                .with_unit("{request}")
                .with_boundaries(SIZES.to_vec())
                .build()
                .bind(&name),
            wait: meter
                .f64_histogram("batch.wait")
                .with_description("Time from a request's ask to the start of its query")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build()
                .bind(&name),
        }
    }

    /// Records a batch that starts now, from the times at which its asks arrived.
    pub(super) fn record(&self, asked: impl ExactSizeIterator<Item = Instant>) {
        self.size.record(asked.len() as u64);
        let now = Instant::now();
        for since in asked {
            self.wait.record(now.duration_since(since).as_secs_f64());
        }
    }
}

/// Registers the gauge of the queues' lengths. Threads have queues of their own for reads, and what
/// counts is their sum.
pub(super) fn observe_queues(opened: &Arc<Mutex<Vec<Arc<Db>>>>) {
    let opened = Arc::downgrade(opened);
    global::meter("films")
        .u64_observable_gauge("batch.queue")
        .with_description("Requests that wait for a query")
        .with_unit("{request}")
        .with_callback(move |gauge| {
            let Some(opened) = opened.upgrade() else { return };
            let opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
            // All have the same writer.
            let reviews = opened.first().map(|db| db.reviews.waiting());
            let reads = opened.iter().flat_map(|db| [db.films.waiting(), db.lists.waiting()]);
            let mut waiting = BTreeMap::new();
            for (name, length) in reads.chain(reviews) {
                *waiting.entry(name).or_default() += length as u64;
            }
            for (name, length) in waiting {
                gauge.observe(length, &[KeyValue::new("batch.name", name)]);
            }
        })
        .build();
}

/// Registers the gauges of a pool.
pub(super) fn observe_pool(pool: &Pool) {
    let meter = global::meter("films");
    let name = KeyValue::new("db.client.connection.pool.name", pool.name());
    let pool_name = name.clone();
    let counted = pool.clone();
    meter
        .u64_observable_gauge("db.client.connection.count")
        .with_description("Connections to Postgres, by state")
        .with_unit("{connection}")
        .with_callback(move |gauge| {
            let (idle, used, _) = counted.count();
            for (state, count) in [("idle", idle), ("used", used)] {
                let state = KeyValue::new("db.client.connection.state", state);
                gauge.observe(count as u64, &[pool_name.clone(), state]);
            }
        })
        .build();
    let limit = pool.clone();
    meter
        .u64_observable_gauge("db.client.connection.max")
        .with_description("Most connections to Postgres at once")
        .with_unit("{connection}")
        .with_callback(move |gauge| gauge.observe(limit.count().2 as u64, slice::from_ref(&name)))
        .build();
}

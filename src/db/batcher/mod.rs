//! Lets many concurrent requests share few queries. This module decides *when* a query runs, a
//! [`Processor`] decides what it says. `queue.rs` takes requests, `worker.rs` runs the batches.
//!
//! 1. No timer. A worker takes the queued requests, up to `max_batch_size`, and runs one query. While
//!    the query runs, the next batch collects. An idle service runs batches of one request and adds
//!    no latency.
//! 2. Batching is not caching. A request shares only a query that started after the request arrived,
//!    so a read is never stale.
//! 3. A processor sees all keys of a batch and can look up equal keys once. It may leave the last
//!    keys of a batch to the next query.
//! 4. A failed batch fails its own requests only. A panic is a failure too.
//! 5. The queue is bounded. A request that finds it full is refused at once.
//! 6. A request whose client has disconnected is dropped before its query starts.
//! 7. Closing refuses new requests and finishes the queued ones.
//! 8. Every batch is measured, and its span is linked with the spans of its requests.
//! 9. With a `max_batch_size` of 1, every request has a query of its own.

mod links;
mod metrics;
mod processor;
mod queue;
mod times;
mod worker;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub(super) use processor::Processor;
pub(super) use queue::{BatchLimits, Batcher};
pub(crate) use times::BatchTimes;

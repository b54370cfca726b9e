//! The totals of the metrics at one moment, and the traffic between two moments.

use std::time::Duration;

use prometheus::Registry;
use prometheus::proto::Metric;

use super::histogram::{Histogram, float};
use crate::api::{BatchSize, Latency, Reads, Traffic};

/// The beginnings of the API's routes. The page's own requests do not count as traffic.
const API: [&str; 2] = ["/films/", "/reviews/"];

/// Totals since the start of the process.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    requests: Histogram,
    failures: u64,
    /// Reads under a lease.
    leased: f64,
    /// Reads that waited for a query.
    batched: f64,
    reads: Batches,
    reviews: Batches,
}

/// Queries of one kind, and the requests that they ran for.
#[derive(Clone, Copy, Debug, Default)]
struct Batches {
    queries: u64,
    requests: f64,
}

impl Totals {
    /// Reads the metrics. This takes about a millisecond.
    pub(super) fn read(registry: &Registry) -> Self {
        let mut totals = Self::default();
        for family in registry.gather() {
            let add = match family.name() {
                "http_server_request_duration_seconds" => Self::add_requests,
                "films_reads_total" => Self::add_reads,
                "batch_size" => Self::add_batches,
                _ => continue,
            };
            family.get_metric().iter().for_each(|metric| add(&mut totals, metric));
        }
        totals
    }

    fn add_requests(&mut self, metric: &Metric) {
        let route = label(metric, "http_route");
        if API.iter().any(|path| route.starts_with(path)) {
            let durations = metric.get_histogram();
            self.requests.add(durations);
            if label(metric, "http_response_status_code").starts_with('5') {
                self.failures += durations.get_sample_count();
            }
        }
    }

    fn add_reads(&mut self, metric: &Metric) {
        let reads = metric.get_counter().get_value();
        match label(metric, "source") {
            "lease" => self.leased += reads,
            _ => self.batched += reads,
        }
    }

    fn add_batches(&mut self, metric: &Metric) {
        let sizes = metric.get_histogram();
        let batches = match label(metric, "query") {
            "create_review" => &mut self.reviews,
            _ => &mut self.reads,
        };
        batches.queries += sizes.get_sample_count();
        batches.requests += sizes.get_sample_sum();
    }

    /// Returns the traffic since `earlier`, which was read `elapsed` before these totals.
    pub(super) fn since(&self, earlier: &Self, elapsed: Duration) -> Traffic {
        let rate = |now: f64, before: f64| (now - before).max(0.0) / elapsed.as_secs_f64();
        let requests = self.requests.since(&earlier.requests);
        let (reads, reviews) = (self.reads.since(earlier.reads), self.reviews.since(earlier.reviews));
        Traffic {
            requests: rate(float(requests.count()), 0.0),
            failures: rate(float(self.failures), float(earlier.failures)),
            latency: Latency { p50: requests.percentile(0.5), p99: requests.percentile(0.99) },
            reads: Reads {
                lease: rate(self.leased, earlier.leased),
                batch: rate(self.batched, earlier.batched),
            },
            queries: rate(float(reads.queries + reviews.queries), 0.0),
            batch_size: BatchSize { reads: reads.mean(), reviews: reviews.mean() },
        }
    }
}

impl Batches {
    fn since(self, earlier: Self) -> Self {
        Self {
            queries: self.queries.saturating_sub(earlier.queries),
            requests: self.requests - earlier.requests,
        }
    }

    fn mean(self) -> Option<f64> {
        (self.queries > 0).then(|| self.requests / float(self.queries))
    }
}

fn label<'a>(metric: &'a Metric, name: &str) -> &'a str {
    metric.get_label().iter().find(|label| label.name() == name).map_or("", |label| label.value())
}

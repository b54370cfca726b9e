//! The room's instruments, by OpenTelemetry's conventions for HTTP servers.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use opentelemetry::metrics::{Histogram, UpDownCounter};
use opentelemetry::{KeyValue, global};

use crate::telemetry::SECONDS;

/// What a method is called that the conventions do not list.
pub(super) const OTHER: &str = "_OTHER";

#[derive(Debug)]
pub(super) struct Metrics {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

/// A request under way. It counts as active until it is dropped, also where its client went away.
pub(super) struct Active<'a> {
    metrics: &'a Metrics,
    since: Instant,
    labels: Vec<KeyValue>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let meter = global::meter("films");
        let duration = meter
            .f64_histogram("http.server.request.duration")
            .with_description("Time from a request's head to its answer's")
            .with_unit("s")
            .with_boundaries(SECONDS.to_vec());
        let active = meter
            .i64_up_down_counter("http.server.active_requests")
            .with_description("Requests that are being answered")
            .with_unit("{request}");
        Self { duration: duration.build(), active: active.build() }
    }

    /// Counts a request from now on.
    pub(super) fn begin(&self, method: &Method, route: Option<&str>) -> Active<'_> {
        let mut labels = Vec::with_capacity(5);
        labels.push(KeyValue::new("http.request.method", known(method)));
        labels.push(KeyValue::new("url.scheme", "http"));
        labels.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        self.active.add(1, &labels);
        Active { metrics: self, since: Instant::now(), labels }
    }
}

impl Active<'_> {
    /// Records how long the answer took, and tells it.
    pub(super) fn end(self, status: StatusCode, error: Option<&'static str>) -> Duration {
        let duration = self.since.elapsed();
        let mut labels = self.labels.clone();
        labels.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        labels.extend(error.map(|kind| KeyValue::new("error.type", kind)));
        self.metrics.duration.record(duration.as_secs_f64(), &labels);
        duration
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.metrics.active.add(-1, &self.labels);
    }
}

/// The method, where it is one that the conventions list: a client may invent others, and each
/// would be a time series.
pub(super) fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|name| method.as_str() == *name).unwrap_or(OTHER)
}

//! The room's instruments, by OpenTelemetry's conventions for HTTP servers.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use opentelemetry::metrics::{BoundHistogram, BoundUpDownCounter, Histogram, UpDownCounter};
use opentelemetry::{KeyValue, global};

use crate::telemetry::SECONDS;

/// What a method is called that the conventions do not list.
pub(super) const OTHER: &str = "_OTHER";

/// Finding a time series by its attributes costs ten times what counting in it does, so each that
/// occurs is found once and kept: there are as many as routes times what they answer.
#[derive(Debug)]
pub(super) struct Metrics {
    duration: Histogram<f64>,
    durations: Found<Outcome, BoundHistogram<f64>>,
    active: UpDownCounter<i64>,
    actives: Found<&'static str, BoundUpDownCounter<i64>>,
}

/// What tells one time series from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// By [`known`].
    pub(super) method: &'static str,
    pub(super) route: Option<&'static str>,
    pub(super) status: StatusCode,
    pub(super) error: Option<&'static str>,
}

/// Time series that were found, the most of them dozens: a look through beats hashing.
#[derive(Debug)]
struct Found<K, V>(RwLock<Vec<(K, V)>>);

/// A request under way. It counts as active until it is dropped, also where its client went away.
pub(super) struct Active {
    since: Instant,
    count: BoundUpDownCounter<i64>,
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
        Self {
            duration: duration.build(),
            durations: Found::default(),
            active: active.build(),
            actives: Found::default(),
        }
    }

    /// Counts a request from now on.
    pub(super) fn begin(&self, method: &'static str) -> Active {
        let count = self.actives.get(method, |method| {
            let labels = [KeyValue::new("http.request.method", *method), KeyValue::new("url.scheme", "http")];
            self.active.bind(&labels)
        });
        count.add(1);
        Active { since: Instant::now(), count }
    }

    /// Records how long the answer took, and tells it.
    pub(super) fn end(&self, active: &Active, outcome: Outcome) -> Duration {
        let duration = active.since.elapsed();
        let series = self.durations.get(outcome, |outcome| self.duration.bind(&outcome.labels()));
        series.record(duration.as_secs_f64());
        duration
    }
}

impl Outcome {
    fn labels(&self) -> Vec<KeyValue> {
        let mut labels = vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("http.response.status_code", i64::from(self.status.as_u16())),
        ];
        labels.extend(self.route.map(|route| KeyValue::new("http.route", route)));
        labels.extend(self.error.map(|kind| KeyValue::new("error.type", kind)));
        labels
    }
}

impl<K: PartialEq, V: Clone> Found<K, V> {
    /// The one with this key, which is made where it is asked for first.
    fn get(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        let find =
            |found: &[(K, V)]| found.iter().find(|(its, _)| *its == key).map(|(_, value)| value.clone());
        if let Some(value) = find(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return value;
        }
        let mut found = self.0.write().unwrap_or_else(PoisonError::into_inner);
        find(&found).unwrap_or_else(|| {
            let value = make(&key);
            found.push((key, value.clone()));
            value
        })
    }
}

impl<K, V> Default for Found<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.count.add(-1);
    }
}

/// The method, where it is one that the conventions list: a client may invent others, and each
/// would be a time series.
pub(super) fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|name| method.as_str() == *name).unwrap_or(OTHER)
}

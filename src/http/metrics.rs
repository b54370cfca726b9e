//! The instruments of the public port, by OpenTelemetry's conventions for HTTP servers.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, BoundUpDownCounter, Histogram, UpDownCounter};
use parking_lot::RwLock;

use crate::telemetry::{ACTIVE_REQUESTS, Exemplars, REQUEST_DURATION};

/// The label for a method that the conventions do not list.
pub(super) const OTHER: &str = "_OTHER";

/// The instruments. Finding a time series by its attributes costs ten times as much as recording in it, so
/// every series is bound once and reused. Methods, routes and statuses limit their number.
#[derive(Debug)]
pub(super) struct Metrics {
    duration: Histogram<f64>,
    durations: BoundInstruments<RequestLabels, BoundHistogram<f64>>,
    exemplars: BoundInstruments<RequestLabels, Exemplars>,
    active: UpDownCounter<i64>,
    actives: BoundInstruments<&'static str, BoundUpDownCounter<i64>>,
}

/// The labels of a finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLabels {
    /// The method, from [`method_label`].
    pub(super) method: &'static str,
    pub(super) route: Option<&'static str>,
    pub(super) status: StatusCode,
    pub(super) error: Option<&'static str>,
}

/// Instruments that are bound to their labels. At most dozens occur, so a linear search beats hashing.
#[derive(Debug)]
struct BoundInstruments<K, V>(RwLock<Vec<(K, V)>>);

/// A request under way. It counts as active until it is dropped, even if its client disconnects.
pub(super) struct ActiveRequest {
    started: Instant,
    count: BoundUpDownCounter<i64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        Self {
            duration: REQUEST_DURATION.durations(),
            durations: BoundInstruments::default(),
            exemplars: BoundInstruments::default(),
            active: ACTIVE_REQUESTS.up_down_counter(),
            actives: BoundInstruments::default(),
        }
    }

    /// Counts a request as active from now on.
    pub(super) fn begin(&self, method: &'static str) -> ActiveRequest {
        let count = self.actives.get(method, |method| {
            let labels = [KeyValue::new("http.request.method", *method), KeyValue::new("url.scheme", "http")];
            self.active.bind(&labels)
        });
        count.add(1);
        ActiveRequest { started: Instant::now(), count }
    }

    /// Records the duration of a request and returns it.
    pub(super) fn end(&self, request: &ActiveRequest, labels: RequestLabels) -> Duration {
        let duration = request.started.elapsed();
        let series = self.durations.get(labels, |labels| self.duration.bind(&labels.key_values()));
        series.record(duration.as_secs_f64());
        duration
    }

    /// Keeps the duration of a sampled request as an exemplar. The request's span must be the current one.
    pub(super) fn keep_exemplar(&self, labels: RequestLabels, duration: Duration) {
        let new = |labels: &RequestLabels| Exemplars::new(&REQUEST_DURATION, &labels.key_values());
        self.exemplars.get(labels, new).record(duration.as_secs_f64());
    }
}

impl RequestLabels {
    fn key_values(&self) -> Vec<KeyValue> {
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

impl<K: PartialEq, V: Clone> BoundInstruments<K, V> {
    /// Returns the instrument for `key`, and binds it on first use.
    fn get(&self, key: K, bind: impl FnOnce(&K) -> V) -> V {
        let find = |bound: &[(K, V)]| {
            bound.iter().find(|(bound_key, _)| *bound_key == key).map(|(_, instrument)| instrument.clone())
        };
        if let Some(instrument) = find(&self.0.read()) {
            return instrument;
        }
        let mut bound = self.0.write();
        find(&bound).unwrap_or_else(|| {
            let instrument = bind(&key);
            bound.push((key, instrument.clone()));
            instrument
        })
    }
}

impl<K, V> Default for BoundInstruments<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.count.add(-1);
    }
}

/// Returns the method if the conventions list it. Clients may invent others, and each would become a
/// time series.
pub(super) fn method_label(method: &Method) -> &'static str {
    const LISTED: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    LISTED.into_iter().find(|name| method.as_str() == *name).unwrap_or(OTHER)
}

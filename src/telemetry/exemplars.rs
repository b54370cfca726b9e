//! The last sampled request of each bucket of a histogram of durations. OpenTelemetry's SDK for Rust records no
//! exemplars, so this file keeps them. `/metrics` shows them in the `OpenMetrics` format only.

use std::array;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};
use parking_lot::Mutex;
use prometheus::proto::LabelPair;

use super::buckets::SECONDS;
use super::format::current_span;
use super::instrument::Instrument;

/// The buckets of [`SECONDS`], and one for longer durations.
const BUCKETS: usize = SECONDS.len() + 1;

/// The exemplars of every series. Worker threads do not share a lock, so a series may be here once for each
/// thread.
static ALL: Mutex<Vec<Exemplars>> = Mutex::new(Vec::new());

/// The exemplars of one series. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Exemplars(Arc<Series>);

#[derive(Debug)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
    buckets: Mutex<[Option<Exemplar>; BUCKETS]>,
}

/// One observation, and the span that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) value: f64,
    pub(super) at: SystemTime,
}

impl Exemplars {
    /// Adds a series of `instrument`, a histogram of durations, with these labels.
    pub(crate) fn new(instrument: &Instrument, labels: &[KeyValue]) -> Self {
        let in_prometheus =
            |label: &KeyValue| (label.key.as_str().replace('.', "_"), label.value.to_string());
        let exemplars = Self(Arc::new(Series {
            name: instrument.name_in_prometheus(),
            labels: labels.iter().map(in_prometheus).collect(),
            buckets: Mutex::default(),
        }));
        ALL.lock().push(exemplars.clone());
        exemplars
    }

    /// Keeps an observation in seconds, if the current span is recorded.
    pub(crate) fn record(&self, value: f64) {
        if let Some(span) = current_span() {
            let exemplar =
                Exemplar { trace_id: span.trace_id(), span_id: span.span_id(), value, at: SystemTime::now() };
            // A bucket includes its upper bound.
            let bucket = SECONDS.partition_point(|bound| *bound < value);
            self.0.buckets.lock()[bucket] = Some(exemplar);
        }
    }

    fn is_of(&self, name: &str, labels: &[LabelPair]) -> bool {
        let own = &self.0.labels;
        let is_own = |label: &LabelPair| {
            own.iter().any(|(name, value)| name == label.name() && value == label.value())
        };
        self.0.name == name && own.len() == labels.len() && labels.iter().all(is_own)
    }
}

/// Returns the last exemplar of each bucket of a series, by its name and labels in Prometheus.
pub(super) fn of(name: &str, labels: &[LabelPair]) -> [Option<Exemplar>; BUCKETS] {
    let mut last = [None; BUCKETS];
    for exemplars in ALL.lock().iter().filter(|exemplars| exemplars.is_of(name, labels)) {
        let buckets = exemplars.0.buckets.lock();
        last = array::from_fn(|at| later(last[at], buckets[at]));
    }
    last
}

fn later(one: Option<Exemplar>, other: Option<Exemplar>) -> Option<Exemplar> {
    one.into_iter().chain(other).max_by_key(|exemplar| exemplar.at)
}

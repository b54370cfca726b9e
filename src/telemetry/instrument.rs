//! Registers the instruments of the table with the global meter.

use opentelemetry::global;
use opentelemetry::metrics::{AsyncInstrument, Counter, Gauge, Histogram, Meter, UpDownCounter};
use serde::Serialize;

use super::buckets::SECONDS;

/// A metric of the service, as docs/metrics.md describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instrument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The unit in the notation of UCUM: `s`, `{request}`.
    pub(super) unit: &'static str,
    pub(super) attributes: &'static [&'static str],
    pub(super) meaning: &'static str,
}

/// What an instrument measures, in OpenTelemetry's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Kind {
    #[serde(rename = "counter")]
    Counter,
    #[serde(rename = "gauge")]
    Gauge,
    #[serde(rename = "histogram")]
    Histogram,
    #[serde(rename = "up-down counter")]
    UpDownCounter,
}

fn meter() -> Meter {
    global::meter("films")
}

impl Instrument {
    /// Returns the name in Prometheus' format.
    pub(super) fn name_in_prometheus(&self) -> String {
        let name = self.name.replace('.', "_");
        let unit = if self.unit == "s" { "_seconds" } else { "" };
        let total = if self.kind == Kind::Counter { "_total" } else { "" };
        format!("{name}{unit}{total}")
    }

    /// Registers a histogram of durations.
    pub(crate) fn durations(&self) -> Histogram<f64> {
        let meter = meter();
        let builder = meter.f64_histogram(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_boundaries(SECONDS.to_vec()).build()
    }

    /// Registers a histogram of whole numbers, whose buckets have these upper bounds.
    pub(crate) fn sizes(&self, bounds: &[f64]) -> Histogram<u64> {
        let meter = meter();
        let builder = meter.u64_histogram(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_boundaries(bounds.to_vec()).build()
    }

    /// Registers a counter.
    pub(crate) fn counter(&self) -> Counter<u64> {
        meter().u64_counter(self.name).with_description(self.meaning).with_unit(self.unit).build()
    }

    /// Registers a counter that goes up and down.
    pub(crate) fn up_down_counter(&self) -> UpDownCounter<i64> {
        meter().i64_up_down_counter(self.name).with_description(self.meaning).with_unit(self.unit).build()
    }

    /// Registers a gauge.
    pub(crate) fn gauge(&self) -> Gauge<u64> {
        meter().u64_gauge(self.name).with_description(self.meaning).with_unit(self.unit).build()
    }

    /// Registers a counter that is read whenever metrics are collected.
    pub(crate) fn observe_counter(&self, read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static) {
        let meter = meter();
        let builder = meter.u64_observable_counter(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_callback(read).build();
    }

    /// Registers a gauge that is read whenever metrics are collected.
    pub(crate) fn observe_gauge(&self, read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static) {
        let meter = meter();
        let builder = meter.u64_observable_gauge(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_callback(read).build();
    }

    /// Registers a gauge of a duration that is read whenever metrics are collected.
    pub(crate) fn observe_duration(&self, read: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static) {
        let meter = meter();
        let builder = meter.f64_observable_gauge(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_callback(read).build();
    }

    /// Registers an up-down counter that is read whenever metrics are collected.
    pub(crate) fn observe_up_down_counter(
        &self,
        read: impl Fn(&dyn AsyncInstrument<i64>) + Send + Sync + 'static,
    ) {
        let meter = meter();
        let builder = meter.i64_observable_up_down_counter(self.name).with_description(self.meaning);
        builder.with_unit(self.unit).with_callback(read).build();
    }
}

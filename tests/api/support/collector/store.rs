//! What a collector has received.

use std::sync::{Arc, Mutex};

use hyper::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::metrics::Metric;
use super::signals::{Log, Span, resource};

/// The signals that a collector has received. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Store(Arc<Mutex<Signals>>);

#[derive(Default)]
pub(super) struct Signals {
    pub(super) spans: Vec<Span>,
    pub(super) metrics: Vec<Metric>,
    pub(super) logs: Vec<Log>,
    pub(super) exports: Vec<Export>,
}

/// An export request.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// The signal, as in the names of variables: `TRACES`, `METRICS` or `LOGS`.
    pub(crate) signal: &'static str,
    pub(crate) headers: HeaderMap,
    /// Number of spans, metrics or log records.
    pub(crate) size: usize,
}

impl Store {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Signals) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub(super) fn add_spans(&self, headers: HeaderMap, request: ExportTraceServiceRequest) {
        let mut spans = Vec::new();
        for group in request.resource_spans {
            let resource = resource(group.resource);
            let group = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(group.map(|span| Span::new(&resource, span)));
        }
        self.with(|signals| {
            signals.exports.push(Export { signal: "TRACES", headers, size: spans.len() });
            signals.spans.extend(spans);
        });
    }

    pub(super) fn add_metrics(&self, headers: HeaderMap, request: ExportMetricsServiceRequest) {
        let mut metrics = Vec::new();
        for group in request.resource_metrics {
            let resource = resource(group.resource);
            let group = group.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            metrics.extend(group.map(|metric| Metric::new(&resource, metric)));
        }
        self.with(|signals| {
            signals.exports.push(Export { signal: "METRICS", headers, size: metrics.len() });
            signals.metrics.extend(metrics);
        });
    }

    pub(super) fn add_logs(&self, headers: HeaderMap, request: ExportLogsServiceRequest) {
        let mut logs = Vec::new();
        for group in request.resource_logs {
            let resource = resource(group.resource);
            let group = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            logs.extend(group.map(|record| Log::new(&resource, record)));
        }
        self.with(|signals| {
            signals.exports.push(Export { signal: "LOGS", headers, size: logs.len() });
            signals.logs.extend(logs);
        });
    }
}

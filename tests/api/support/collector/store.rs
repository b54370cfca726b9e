//! What a collector has received.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::signals::{Log, Metric, Span, resource};

/// The signals that a collector has received. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Store(Arc<Mutex<Signals>>);

#[derive(Default)]
pub(super) struct Signals {
    pub(super) spans: Vec<Span>,
    pub(super) metrics: Vec<Metric>,
    pub(super) logs: Vec<Log>,
}

impl Store {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Signals) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub(super) fn add_spans(&self, request: ExportTraceServiceRequest) {
        for group in request.resource_spans {
            let resource = resource(group.resource);
            let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.with(|signals| signals.spans.extend(spans.map(|span| Span::new(&resource, span))));
        }
    }

    pub(super) fn add_metrics(&self, request: ExportMetricsServiceRequest) {
        for group in request.resource_metrics {
            let resource = resource(group.resource);
            let metrics = group.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            self.with(|signals| signals.metrics.extend(metrics.map(|metric| Metric::new(&resource, metric))));
        }
    }

    pub(super) fn add_logs(&self, request: ExportLogsServiceRequest) {
        for group in request.resource_logs {
            let resource = resource(group.resource);
            let records = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            self.with(|signals| signals.logs.extend(records.map(|record| Log::new(&resource, record))));
        }
    }
}

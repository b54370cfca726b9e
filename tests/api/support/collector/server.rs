//! Starts a collector and finds what it has received.

use std::fmt::Debug;

use tokio::net::TcpListener;

use super::metrics::Metric;
use super::signals::{Log, Span, SpanKind};
use super::store::{Export, Store};
use super::{grpc, http};
use crate::support::until;

/// Values of `OTEL_EXPORTER_OTLP_PROTOCOL`.
pub(crate) const GRPC: &str = "grpc";
pub(crate) const HTTP: &str = "http/protobuf";

/// A running collector.
pub(crate) struct Collector {
    protocol: &'static str,
    endpoint: String,
    store: Store,
}

impl Collector {
    /// Starts a collector for [`GRPC`] or [`HTTP`].
    pub(crate) async fn start(protocol: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let store = Store::default();
        if protocol == GRPC {
            tokio::spawn(grpc::serve(listener, store.clone()));
        } else {
            tokio::spawn(http::serve(listener, store.clone()));
        }
        Self { protocol, endpoint, store }
    }

    /// Returns variables that make a service export to this collector. Spans and log records are sent
    /// after 20 ms, so that tests do not wait for the default of seconds.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", self.protocol),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ]
    }

    /// Returns the export requests of all signals.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.store.with(|signals| signals.exports.clone())
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.store.with(|signals| signals.spans.clone())
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        self.store.with(|signals| signals.metrics.clone())
    }

    pub(crate) fn logs(&self) -> Vec<Log> {
        self.store.with(|signals| signals.logs.clone())
    }

    /// Returns whether no signal of any kind has arrived.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans().is_empty() && self.metrics().is_empty() && self.logs().is_empty()
    }

    /// Waits for the first span that matches.
    pub(crate) async fn span(&self, matches: impl Fn(&Span) -> bool) -> Span {
        first(|| self.spans(), matches).await
    }

    /// Waits for the span of a request.
    pub(crate) async fn server_span(&self) -> Span {
        self.span(|span| span.kind == SpanKind::Server).await
    }

    /// Waits for the span of a query.
    pub(crate) async fn client_span(&self) -> Span {
        self.span(|span| span.kind == SpanKind::Client).await
    }

    /// Waits until the parents of `span` lead to `ancestor`. A parent may be exported later than its
    /// child.
    pub(crate) async fn until_descends(&self, span: &Span, ancestor: &Span) {
        until("the span descends from the other", async || {
            let spans = self.spans();
            if span.descends_from(ancestor, &spans) { Ok(()) } else { Err(spans) }
        })
        .await;
    }

    /// Waits for a metric of this name.
    pub(crate) async fn metric(&self, name: &str) -> Metric {
        first(|| self.metrics(), |metric| metric.name == name).await
    }

    /// Waits for a log record with this text.
    pub(crate) async fn log(&self, text: &str) -> Log {
        first(|| self.logs(), |log| log.body == text).await
    }
}

/// Waits until an item matches.
async fn first<T: Debug>(all: impl Fn() -> Vec<T>, matches: impl Fn(&T) -> bool) -> T {
    until("a signal that matches", async || all().into_iter().find(&matches).ok_or_else(&all)).await
}

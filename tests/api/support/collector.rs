//! An OpenTelemetry collector: it takes what a service exports, over gRPC or HTTP, and keeps it.

use std::convert::Infallible;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as trace;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Kind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::PATIENCE;

pub(crate) use proto::span::SpanKind;
pub(crate) use proto::status::StatusCode;

/// How it is spoken to; the values of `OTEL_EXPORTER_OTLP_PROTOCOL`.
pub(crate) const GRPC: &str = "grpc";
pub(crate) const HTTP: &str = "http/protobuf";

/// A running collector.
pub(crate) struct Collector {
    protocol: &'static str,
    endpoint: String,
    received: Received,
}

/// What was sent to it.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Signals>>);

#[derive(Default)]
struct Signals {
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    logs: Vec<Log>,
}

/// A span, as far as the tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) resource: Map<String, Value>,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// The parent's id; empty where there is none.
    pub(crate) parent: String,
    pub(crate) trace_state: String,
    pub(crate) status: StatusCode,
    pub(crate) attributes: Map<String, Value>,
    /// Trace and span.
    pub(crate) links: Vec<(String, String)>,
}

/// The name of a metric, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) resource: Map<String, Value>,
    pub(crate) name: String,
}

/// A log record.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) resource: Map<String, Value>,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) severity: String,
    pub(crate) body: Value,
    pub(crate) attributes: Map<String, Value>,
}

impl Span {
    /// The ids that a link to it has.
    pub(crate) fn ids(&self) -> (String, String) {
        (self.trace_id.clone(), self.id.clone())
    }
}

impl Collector {
    /// Starts one that speaks this protocol.
    pub(crate) async fn start(protocol: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Received::default();
        if protocol == GRPC {
            tokio::spawn(serve_grpc(listener, received.clone()));
        } else {
            tokio::spawn(serve_http(listener, received.clone()));
        }
        Self { protocol, endpoint, received }
    }

    /// What makes a service export to it, without letting spans and log records wait long.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &self.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", self.protocol),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ]
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.received.with(|signals| signals.spans.clone())
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        self.received.with(|signals| signals.metrics.clone())
    }

    pub(crate) fn logs(&self) -> Vec<Log> {
        self.received.with(|signals| signals.logs.clone())
    }

    /// Whether nothing at all was sent to it.
    pub(crate) fn is_empty(&self) -> bool {
        self.spans().is_empty() && self.metrics().is_empty() && self.logs().is_empty()
    }

    /// Waits for a span that is wanted.
    pub(crate) async fn span(&self, wanted: impl Fn(&Span) -> bool) -> Span {
        first(|| self.spans(), wanted).await
    }

    /// Waits for the span of a request: there is one of that kind for each.
    pub(crate) async fn server_span(&self) -> Span {
        self.span(|span| span.kind == SpanKind::Server).await
    }

    /// Waits for the span of a query.
    pub(crate) async fn client_span(&self) -> Span {
        self.span(|span| span.kind == SpanKind::Client).await
    }

    /// Waits for a metric of this name.
    pub(crate) async fn metric(&self, name: &str) -> Metric {
        first(|| self.metrics(), |metric| metric.name == name).await
    }

    /// Waits for a log record that says this.
    pub(crate) async fn log(&self, text: &str) -> Log {
        first(|| self.logs(), |log| log.body == text).await
    }
}

/// The first that is wanted, once it is there.
async fn first<T: Debug>(all: impl Fn() -> Vec<T>, wanted: impl Fn(&T) -> bool) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = all().into_iter().find(&wanted) {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "what is wanted is not among {:#?}", all());
        sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// The address of a server that accepts and never answers.
pub(crate) async fn black_hole() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

impl Received {
    fn with<T>(&self, look: impl FnOnce(&mut Signals) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_spans(&self, request: trace::ExportTraceServiceRequest) {
        for of_resource in request.resource_spans {
            let resource = resource(of_resource.resource);
            let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.with(|signals| signals.spans.extend(spans.map(|proto| span(&resource, proto))));
        }
    }

    fn take_metrics(&self, request: metrics::ExportMetricsServiceRequest) {
        for of_resource in request.resource_metrics {
            let resource = resource(of_resource.resource);
            let metrics = of_resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            let metrics = metrics.map(|metric| Metric { resource: resource.clone(), name: metric.name });
            self.with(|signals| signals.metrics.extend(metrics));
        }
    }

    fn take_logs(&self, request: logs::ExportLogsServiceRequest) {
        for of_resource in request.resource_logs {
            let resource = resource(of_resource.resource);
            let records = of_resource.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            let records = records.map(|record| Log {
                resource: resource.clone(),
                trace_id: hex(&record.trace_id),
                span_id: hex(&record.span_id),
                severity: record.severity_text,
                body: value(record.body),
                attributes: attributes(record.attributes),
            });
            self.with(|signals| signals.logs.extend(records));
        }
    }
}

async fn serve_grpc(listener: TcpListener, received: Received) {
    Server::builder()
        .add_service(trace::trace_service_server::TraceServiceServer::new(received.clone()))
        .add_service(metrics::metrics_service_server::MetricsServiceServer::new(received.clone()))
        .add_service(logs::logs_service_server::LogsServiceServer::new(received))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await
        .unwrap();
}

#[tonic::async_trait]
impl trace::trace_service_server::TraceService for Received {
    async fn export(
        &self,
        request: tonic::Request<trace::ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<trace::ExportTraceServiceResponse>, tonic::Status> {
        self.take_spans(request.into_inner());
        Ok(tonic::Response::new(trace::ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Received {
    async fn export(
        &self,
        request: tonic::Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<metrics::ExportMetricsServiceResponse>, tonic::Status> {
        self.take_metrics(request.into_inner());
        Ok(tonic::Response::new(metrics::ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Received {
    async fn export(
        &self,
        request: tonic::Request<logs::ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<logs::ExportLogsServiceResponse>, tonic::Status> {
        self.take_logs(request.into_inner());
        Ok(tonic::Response::new(logs::ExportLogsServiceResponse::default()))
    }
}

async fn serve_http(listener: TcpListener, received: Received) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = received.clone();
        let service = service_fn(move |request| take_http(request, received.clone()));
        // A client that goes away is no concern of a collector's.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An empty body is what a collector answers where it took everything.
async fn take_http(
    request: hyper::Request<Incoming>,
    received: Received,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(refused()) };
    let body = body.to_bytes();
    let is_protobuf = head.headers.get("content-type").is_some_and(|value| value == "application/x-protobuf");
    let taken = match head.uri.path() {
        _ if !is_protobuf || head.method != "POST" => return Ok(refused()),
        "/v1/traces" => Message::decode(body).map(|request| received.take_spans(request)),
        "/v1/metrics" => Message::decode(body).map(|request| received.take_metrics(request)),
        "/v1/logs" => Message::decode(body).map(|request| received.take_logs(request)),
        _ => return Ok(refused()),
    };
    Ok(taken.map_or_else(|_| refused(), |()| hyper::Response::default()))
}

fn refused() -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::default();
    *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
    response
}

fn span(resource: &Map<String, Value>, proto: proto::Span) -> Span {
    let links = proto.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect();
    Span {
        resource: resource.clone(),
        kind: proto.kind(),
        trace_id: hex(&proto.trace_id),
        id: hex(&proto.span_id),
        parent: hex(&proto.parent_span_id),
        trace_state: proto.trace_state,
        status: proto.status.map_or(StatusCode::Unset, |status| status.code()),
        name: proto.name,
        attributes: attributes(proto.attributes),
        links,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn resource(resource: Option<Resource>) -> Map<String, Value> {
    attributes(resource.unwrap_or_default().attributes)
}

fn attributes(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::BoolValue(yes)) => yes.into(),
        Some(Kind::IntValue(number)) => number.into(),
        Some(Kind::DoubleValue(number)) => number.into(),
        Some(Kind::ArrayValue(array)) => {
            array.values.into_iter().map(|item| self::value(Some(item))).collect()
        }
        _ => Value::Null,
    }
}

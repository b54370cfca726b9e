//! An OpenTelemetry collector: it receives what a service exports over gRPC or HTTP, and stores it for
//! the tests.

mod grpc;
mod http;
mod metrics;
mod server;
mod signals;
mod store;

pub(crate) use metrics::{Metric, Temporality};
pub(crate) use server::{Collector, GRPC, HTTP};
pub(crate) use signals::{Span, SpanKind, StatusCode};

//! The SDK's providers. Endpoints, protocols, headers, samplers and batch sizes come from the
//! standard variables, which the SDK reads by itself.

use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;

use super::Error;
use crate::version::VERSION;

/// Who is speaking: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` over `films` and its version.
pub(super) fn resource() -> Resource {
    let version = KeyValue::new("service.version", VERSION);
    let given = Resource::builder().build();
    // The SDK's own name for a service that nobody named.
    let unnamed = |name: &opentelemetry::Value| name.as_str().starts_with("unknown_service");
    let mut resource = Resource::builder();
    if given.get(&Key::new("service.name")).is_none_or(|name| unnamed(&name)) {
        resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
    }
    if given.get(&version.key).is_none() {
        resource = resource.with_attribute(version);
    }
    resource.build()
}

pub(super) fn traces(resource: &Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().build().map_err(|error| Error(error.to_string()))?;
    Ok(SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

pub(super) fn logs(resource: &Resource) -> Result<SdkLoggerProvider, Error> {
    let exporter = LogExporter::builder().build().map_err(|error| Error(error.to_string()))?;
    Ok(SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

/// Metrics are always kept for `/metrics`, and pushed as well where `push` says so.
pub(super) fn metrics(resource: &Resource, push: bool) -> Result<(SdkMeterProvider, Registry), Error> {
    let registry = Registry::new();
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(|error| Error(error.to_string()))?;
    let mut provider = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scraped);
    if push {
        let exporter = MetricExporter::builder().build().map_err(|error| Error(error.to_string()))?;
        provider = provider.with_periodic_exporter(exporter);
    }
    Ok((provider.build(), registry))
}

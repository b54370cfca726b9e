//! Providers of traces, logs and metrics. The SDK reads endpoints, protocols, headers and batch sizes from
//! the standard `OTEL_*` variables.

use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use prometheus::Registry;

use crate::version::VERSION;

/// An exporter that cannot be built, because a variable has an invalid value.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration: OTLP: {0}")]
pub struct Error(String);

/// Returns the attributes of this service: name and version.
///
/// The name is `name`, or `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, or `films`.
pub(super) fn resource(name: Option<&str>) -> Resource {
    let detected = Resource::builder().build();
    let attribute = |key: &'static str| detected.get(&Key::new(key));
    // The SDK calls a service without a name `unknown_service`.
    let is_named =
        attribute("service.name").is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let mut resource = Resource::builder();
    if let Some(name) = name.or_else(|| (!is_named).then_some(env!("CARGO_PKG_NAME"))) {
        resource = resource.with_service_name(name.to_owned());
    }
    if attribute("service.version").is_none() {
        resource = resource.with_attribute(KeyValue::new("service.version", VERSION));
    }
    resource.build()
}

/// Returns the provider that exports spans.
pub(super) fn traces(resource: &Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().build().map_err(|error| Error(error.to_string()))?;
    // `sampling` has already decided: spans are created for sampled requests only.
    let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn);
    Ok(provider.with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

/// Returns the provider that exports log lines.
pub(super) fn logs(resource: &Resource) -> Result<SdkLoggerProvider, Error> {
    let exporter = LogExporter::builder().build().map_err(|error| Error(error.to_string()))?;
    Ok(SdkLoggerProvider::builder().with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

/// Returns the provider of metrics, and the registry that `/metrics` shows. If `push` is true, metrics are
/// exported over OTLP too.
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

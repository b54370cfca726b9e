//! The SDK's providers. Endpoints, protocols, headers, samplers and batch sizes come from the
//! standard variables, which the SDK reads by itself.

use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use prometheus::Registry;

use super::Error;
use crate::version::VERSION;

/// Who is speaking: the `name`, else that among `OTEL_RESOURCE_ATTRIBUTES`, else `films`; and its
/// version.
pub(super) fn resource(name: Option<&str>) -> Resource {
    let given = Resource::builder().build();
    let known = |key: &'static str| given.get(&Key::new(key));
    // The SDK has a name of its own for a service that nobody named.
    let is_named = known("service.name").is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let mut resource = Resource::builder();
    if let Some(name) = name.or_else(|| (!is_named).then_some(env!("CARGO_PKG_NAME"))) {
        resource = resource.with_service_name(name.to_owned());
    }
    if known("service.version").is_none() {
        resource = resource.with_attribute(KeyValue::new("service.version", VERSION));
    }
    resource.build()
}

pub(super) fn traces(resource: &Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().build().map_err(|error| Error(error.to_string()))?;
    // `sampling` has decided before there is a span.
    let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn);
    Ok(provider.with_resource(resource.clone()).with_batch_exporter(exporter).build())
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

//! Starts and stops telemetry.

use std::io::IsTerminal;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, error};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt};

use super::instruments::BUILD_INFO;
use super::{format, otlp, sampling};
use crate::config::{Config, Log, LogFormat};
use crate::version::{COMMIT, VERSION};

/// Longest time for an exporter to send its remaining data when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Telemetry of this process. Call [`Telemetry::shutdown`] before every exit: data that was not exported
/// is lost.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    metrics: SdkMeterProvider,
    registry: prometheus::Registry,
}

/// Installs the subscriber, the meter provider and the propagator of the process.
///
/// Call it once, inside a Tokio runtime: the gRPC exporter's connection runs there. Fails if an `OTEL_*` variable
/// has a value that no exporter can use.
pub fn init(config: &Config) -> Result<Telemetry, otlp::Error> {
    // All clients in the process share one TLS implementation. Fails harmlessly on a second call, in tests.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let otel = &config.otel;
    let resource = otlp::resource(otel.service_name.as_deref());
    let traces = otel.traces.then(|| otlp::traces(&resource)).transpose()?;
    if traces.is_some() {
        sampling::start();
    }
    let logs = otel.logs.then(|| otlp::logs(&resource)).transpose()?;
    let (metrics, registry) = otlp::metrics(&resource, otel.metrics)?;
    global::set_meter_provider(metrics.clone());
    record_build();
    if otel.trace_context {
        global::set_text_map_propagator(TraceContextPropagator::new());
    }

    // Exporters write spans and log lines too. Exporting these would cause further ones, without end.
    let own = Targets::new().with_target(env!("CARGO_PKG_NAME"), Level::INFO);
    // A missing layer is left out of the list. A `None` in the list would enable every span, for no recipient.
    let mut layers = vec![log_layer(&config.log)];
    layers.extend(traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(own.clone())
            .boxed()
    }));
    layers.extend(
        logs.as_ref().map(|provider| OpenTelemetryTracingBridge::new(provider).with_filter(own).boxed()),
    );
    Registry::default().with(layers).init();

    Ok(Telemetry { traces, logs, metrics, registry })
}

/// Records `films_build_info`: by the Prometheus convention its value is always 1, and its labels name the
/// build.
fn record_build() {
    let build = [KeyValue::new("version", VERSION), KeyValue::new("commit", COMMIT)];
    BUILD_INFO.gauge().record(1, &build);
}

/// Returns the layer that writes log lines to stdout.
fn log_layer(config: &Log) -> Box<dyn Layer<Registry> + Send + Sync> {
    let events = filter_fn(|metadata: &tracing::Metadata<'_>| tracing::Metadata::is_event(metadata));
    let filter = config.filter.to_env_filter().and(events);
    let terminal = std::io::stdout().is_terminal();
    let json = match config.format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    if json {
        fmt::layer().event_format(format::Json).with_filter(filter).boxed()
    } else {
        fmt::layer().with_ansi(terminal).event_format(format::Text::new()).with_filter(filter).boxed()
    }
}

impl Telemetry {
    /// Returns the metrics that `/metrics` shows.
    pub fn registry(&self) -> &prometheus::Registry {
        &self.registry
    }

    /// Exports the remaining data and stops the exporters.
    ///
    /// Blocks for up to twice [`FLUSH_TIMEOUT`]. Call it from a thread outside the runtime, whose own threads
    /// the gRPC exporter needs.
    pub fn shutdown(self) {
        let Self { traces, logs, metrics, .. } = self;
        thread::scope(|scope| {
            let traces =
                traces.map(|traces| scope.spawn(move || traces.shutdown_with_timeout(FLUSH_TIMEOUT)));
            let metrics = scope.spawn(move || metrics.shutdown_with_timeout(FLUSH_TIMEOUT));
            for flushed in [traces, Some(metrics)].into_iter().flatten() {
                if let Ok(Err(error)) = flushed.join() {
                    error!(%error, "telemetry is incomplete: not everything was exported");
                }
            }
        });
        // Logs stop last, so that the lines above are exported too.
        if let Some(Err(error)) = logs.map(|logs| logs.shutdown_with_timeout(FLUSH_TIMEOUT)) {
            error!(%error, "logs are incomplete: not everything was exported");
        }
    }
}

//! Logs, traces and metrics. [`init`] makes them from the configuration and returns the one value
//! that ends them; the rest of the crate speaks to `tracing` and to the global meter only, and does
//! not know whether anybody listens.
//!
//! Without an OTLP endpoint no tracing layer is installed, so that a span costs one branch.

mod format;
mod otlp;
pub(crate) mod sampling;

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
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt};

use crate::config::{Config, Log, LogFormat};
use crate::version::{COMMIT, VERSION};

/// Bounds of the histograms of time, in seconds. A request of this service takes some ten
/// microseconds when it is idle and milliseconds when it is busy; the conventions' own bounds begin
/// at 5 ms, where it is over.
pub(crate) const SECONDS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];

/// Longest time to wait at the end for a collector to take what is left.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// What was set up for this process. Call [`Telemetry::shutdown`] last, on every way out: what is
/// not flushed by then is lost.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    metrics: SdkMeterProvider,
    registry: prometheus::Registry,
}

/// What keeps telemetry from starting: an exporter's settings that make no sense.
#[derive(Debug, thiserror::Error)]
#[error("invalid configuration: OTLP: {0}")]
pub struct Error(String);

/// Installs the process's subscriber, meter provider and propagator.
///
/// Call it once, inside a Tokio runtime: the gRPC exporter's connection lives there.
pub fn init(config: &Config) -> Result<Telemetry, Error> {
    // One TLS implementation for every client in the process; the second call of a test is harmless.
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

    // Only our own spans and lines are exported: an exporter's own would feed on themselves.
    let own = Targets::new().with_target(env!("CARGO_PKG_NAME"), Level::INFO);
    // A layer that is absent must not be a `None` among them: it would take an interest in
    // everything, and every span would be made for nobody.
    let mut layers = vec![lines(&config.log)];
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

/// `films_build_info`, by the Prometheus convention: always 1, and what counts is in the labels.
fn record_build() {
    let build = [KeyValue::new("version", VERSION), KeyValue::new("commit", COMMIT)];
    let meter = global::meter("films");
    meter.u64_gauge("films_build_info").with_description("Which build this is").build().record(1, &build);
}

/// The layer that writes log lines to stdout.
fn lines(config: &Log) -> Box<dyn Layer<Registry> + Send + Sync> {
    // `Config::load` has refused a filter that does not parse.
    let events = filter_fn(|metadata: &tracing::Metadata<'_>| tracing::Metadata::is_event(metadata));
    let filter = EnvFilter::new(&config.filter).and(events);
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

impl Log {
    /// Whether the filter parses.
    pub(crate) fn is_valid(&self) -> bool {
        EnvFilter::try_new(&self.filter).is_ok()
    }
}

impl Telemetry {
    /// What `/metrics` shows.
    pub fn registry(&self) -> &prometheus::Registry {
        &self.registry
    }

    /// Exports what is left and stops the exporters. Blocks for up to twice [`FLUSH_TIMEOUT`], so keep it
    /// off the runtime's threads: the gRPC exporter needs them.
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
        // Last, because the lines above are logs too.
        if let Some(Err(error)) = logs.map(|logs| logs.shutdown_with_timeout(FLUSH_TIMEOUT)) {
            error!(%error, "logs are incomplete: not everything was exported");
        }
    }
}

//! The `OTEL_*` variables that this build honours, for the documentation.

/// Names and meanings of the `OTEL_*` variables that this build honours: those that [`Otel`](super::Otel)
/// reads, and those that the OpenTelemetry crates read and use with the features that are compiled in.
///
/// `{SIGNAL}` stands for each of [`OTEL_SIGNALS`]. Variables without an effect are left out: the crates read
/// `OTEL_EXPORTER_OTLP_COMPRESSION` (and the same for one signal) although no compression is compiled in, and
/// ignore `OTEL_BSP_EXPORT_TIMEOUT`, `OTEL_BSP_MAX_CONCURRENT_EXPORTS` and `OTEL_BLRP_EXPORT_TIMEOUT`.
pub const OTEL_VARIABLES: &[(&str, &str)] = &[
    ("OTEL_SDK_DISABLED", "`true` turns every export off."),
    (
        "OTEL_SERVICE_NAME",
        "Name of the service in exported data. Overrides `service.name` of `OTEL_RESOURCE_ATTRIBUTES`. \
         Default: `films`.",
    ),
    ("OTEL_RESOURCE_ATTRIBUTES", "Attributes of exported data: `key=value` pairs, separated by commas."),
    (
        "OTEL_PROPAGATORS",
        "List of `tracecontext`, `baggage`, `none`. Only `tracecontext` (the default) has an effect: a \
         request continues the trace of its `traceparent` header.",
    ),
    ("OTEL_TRACES_EXPORTER", "`otlp` (default) or `none`."),
    (
        "OTEL_METRICS_EXPORTER",
        "List of `otlp` (default), `prometheus`, `none`. `/metrics` exists in any case.",
    ),
    ("OTEL_LOGS_EXPORTER", "`otlp` (default) or `none`. Log lines go to stdout in any case."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "URL of the collector. `http/protobuf` appends `/v1/traces`, `/v1/metrics` or `/v1/logs`. Without an \
         endpoint nothing is exported.",
    ),
    (
        "OTEL_EXPORTER_OTLP_{SIGNAL}_ENDPOINT",
        "URL for one signal. `http/protobuf` appends nothing. Overrides `OTEL_EXPORTER_OTLP_ENDPOINT`.",
    ),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "`http/protobuf` (default) or `grpc`."),
    (
        "OTEL_EXPORTER_OTLP_{SIGNAL}_PROTOCOL",
        "Protocol for one signal. Overrides `OTEL_EXPORTER_OTLP_PROTOCOL`.",
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "Headers of export requests: `key=value` pairs, separated by commas. Values are percent-decoded.",
    ),
    (
        "OTEL_EXPORTER_OTLP_{SIGNAL}_HEADERS",
        "Headers for one signal. Overrides `OTEL_EXPORTER_OTLP_HEADERS`.",
    ),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "Longest time for one export, in milliseconds. Default: 10000."),
    (
        "OTEL_EXPORTER_OTLP_{SIGNAL}_TIMEOUT",
        "Timeout for one signal. Overrides `OTEL_EXPORTER_OTLP_TIMEOUT`.",
    ),
    (
        "OTEL_EXPORTER_OTLP_INSECURE",
        "`true` sends without TLS to a `grpc` endpoint that has no scheme. Default: `false`.",
    ),
    (
        "OTEL_EXPORTER_OTLP_{SIGNAL}_INSECURE",
        "The same for one signal. Overrides `OTEL_EXPORTER_OTLP_INSECURE`.",
    ),
    (
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "`cumulative` (default), `delta` or `lowmemory`. Applies to the export over OTLP, not to `/metrics`.",
    ),
    ("OTEL_METRIC_EXPORT_INTERVAL", "Time between two exports of metrics, in milliseconds. Default: 60000."),
    (
        "OTEL_TRACES_SAMPLER",
        "`parentbased_always_on` (default), `parentbased_always_off`, `parentbased_traceidratio`, `always_on`, \
         `always_off` or `traceidratio`.",
    ),
    ("OTEL_TRACES_SAMPLER_ARG", "Share of traces for the ratio samplers, 0.0 to 1.0. Default: 1.0."),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "Most attributes of a span. Default: 128."),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "Most events of a span. Default: 128."),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "Most links of a span. Default: 128."),
    ("OTEL_BSP_SCHEDULE_DELAY", "Time between two exports of spans, in milliseconds. Default: 5000."),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "Most spans that wait for export. Further spans are dropped. Default: 2048."),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "Most spans of one export. Default: 512."),
    ("OTEL_BLRP_SCHEDULE_DELAY", "Time between two exports of log lines, in milliseconds. Default: 1000."),
    (
        "OTEL_BLRP_MAX_QUEUE_SIZE",
        "Most log lines that wait for export. Further lines are dropped. Default: 2048.",
    ),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "Most log lines of one export. Default: 512."),
];

/// The signals that `{SIGNAL}` of [`OTEL_VARIABLES`] stands for.
pub const OTEL_SIGNALS: [&str; 3] = ["TRACES", "METRICS", "LOGS"];

#[cfg(test)]
mod tests {
    use opentelemetry_otlp as otlp;
    use opentelemetry_sdk::{logs, trace};

    use super::*;

    /// Names that the OpenTelemetry crates export as constants. A name that a later version drops does not
    /// compile here.
    const EXPORTED: [&str; 27] = [
        otlp::OTEL_EXPORTER_OTLP_ENDPOINT,
        otlp::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        otlp::OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
        otlp::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
        otlp::OTEL_EXPORTER_OTLP_PROTOCOL,
        otlp::OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
        otlp::OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
        otlp::OTEL_EXPORTER_OTLP_LOGS_PROTOCOL,
        otlp::OTEL_EXPORTER_OTLP_HEADERS,
        otlp::OTEL_EXPORTER_OTLP_TRACES_HEADERS,
        otlp::OTEL_EXPORTER_OTLP_METRICS_HEADERS,
        otlp::OTEL_EXPORTER_OTLP_LOGS_HEADERS,
        otlp::OTEL_EXPORTER_OTLP_TIMEOUT,
        otlp::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
        otlp::OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
        otlp::OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
        otlp::OTEL_EXPORTER_OTLP_INSECURE,
        otlp::OTEL_EXPORTER_OTLP_TRACES_INSECURE,
        otlp::OTEL_EXPORTER_OTLP_METRICS_INSECURE,
        otlp::OTEL_EXPORTER_OTLP_LOGS_INSECURE,
        otlp::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE,
        trace::OTEL_BSP_SCHEDULE_DELAY,
        trace::OTEL_BSP_MAX_QUEUE_SIZE,
        trace::OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
        logs::OTEL_BLRP_SCHEDULE_DELAY,
        logs::OTEL_BLRP_MAX_QUEUE_SIZE,
        logs::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
    ];

    #[test]
    fn the_list_has_every_name_that_the_crates_export() {
        let names = OTEL_VARIABLES.iter().flat_map(|(name, _)| {
            let signals = if name.contains("{SIGNAL}") { OTEL_SIGNALS.as_slice() } else { &["-"] };
            signals.iter().map(|signal| name.replace("{SIGNAL}", signal))
        });
        let names: Vec<String> = names.collect();
        for name in EXPORTED {
            assert!(names.iter().any(|listed| listed == name), "{name} is missing");
        }
    }

    #[test]
    fn every_meaning_is_a_sentence_and_every_name_is_listed_once() {
        for (position, (name, meaning)) in OTEL_VARIABLES.iter().enumerate() {
            assert!(meaning.ends_with('.'), "{name}: {meaning}");
            assert!(OTEL_VARIABLES[position + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}

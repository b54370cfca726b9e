//! The rules of the specification, one test each.

use std::collections::BTreeSet;

use opentelemetry_otlp as otlp;
use opentelemetry_sdk::{logs, trace};

use super::Otel;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

fn otel(variables: &[(&str, &str)]) -> Otel {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Otel::from_variables(&variables.collect()).unwrap()
}

/// Returns whether traces, metrics and logs are exported, in this order.
fn exported(variables: &[(&str, &str)]) -> [bool; 3] {
    let otel = otel(variables);
    [otel.traces, otel.metrics, otel.logs]
}

#[test]
fn nothing_is_exported_without_an_endpoint() {
    assert_eq!(exported(&[]), [false; 3]);
    assert_eq!(exported(&[("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", "otlp")]), [false; 3]);
}

#[test]
fn an_endpoint_exports_every_signal() {
    assert_eq!(exported(&[ENDPOINT]), [true; 3]);
}

#[test]
fn an_endpoint_of_one_signal_exports_only_that_signal() {
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c")]), [true, false, false]);
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c")]), [false, true, false]);
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c")]), [false, false, true]);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), [false; 3]);
    let empty =
        ["OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_PROPAGATORS", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    for name in empty {
        assert_eq!(exported(&[ENDPOINT, (name, "")]), [true; 3], "{name}");
    }
    assert!(otel(&[("OTEL_PROPAGATORS", "")]).trace_context);
}

#[test]
fn only_true_disables_the_sdk() {
    for value in ["true", "True", "TRUE"] {
        assert_eq!(exported(&[ENDPOINT, ("OTEL_SDK_DISABLED", value)]), [false; 3], "{value}");
    }
    for value in ["false", "1", "yes"] {
        assert_eq!(exported(&[ENDPOINT, ("OTEL_SDK_DISABLED", value)]), [true; 3], "{value}");
    }
}

#[test]
fn a_signal_is_exported_if_otlp_is_among_its_exporters() {
    let metrics = |exporters| exported(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", exporters)]);
    assert_eq!(metrics("otlp"), [true; 3]);
    assert_eq!(metrics("prometheus, otlp"), [true; 3]);
    assert_eq!(metrics("prometheus"), [true, false, true]);
    assert_eq!(metrics("none"), [true, false, true]);
}

#[test]
fn trace_context_is_accepted_if_it_is_among_the_propagators() {
    for (propagators, accepted) in
        [("tracecontext,baggage", true), ("baggage, tracecontext", true), ("baggage", false), ("none", false)]
    {
        assert_eq!(otel(&[("OTEL_PROPAGATORS", propagators)]).trace_context, accepted, "{propagators}");
    }
}

/// Variables that the crates read without exporting a constant, or that this module reads.
const OTHERS: [&str; 13] = [
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_PROPAGATORS",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
];

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

/// The crates read `OTEL_EXPORTER_OTLP_COMPRESSION` although no compression is compiled in, so it is not
/// documented.
#[test]
fn docs_list_every_variable_that_has_an_effect() {
    let document = include_str!("../../../docs/configuration.md");
    let names = document.lines().filter_map(|line| line.strip_prefix("| `OTEL_")?.split_once('`'));
    let documented: BTreeSet<String> = names
        .flat_map(|(name, _)| {
            ["TRACES", "METRICS", "LOGS"].map(|signal| format!("OTEL_{}", name.replace("{SIGNAL}", signal)))
        })
        .collect();
    let expected = EXPORTED.iter().chain(&OTHERS).map(|name| (*name).to_owned());
    assert_eq!(documented, expected.collect());
}

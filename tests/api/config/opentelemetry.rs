//! Tests of `OTEL_*` variables, which the SDK would replace by its defaults if they were invalid.

use super::*;

#[tokio::test]
async fn invalid_opentelemetry_variables_are_refused() {
    for (variable, value, expected) in [
        ("OTEL_TRACES_EXPORTER", "console", "expected one of otlp, none"),
        ("OTEL_METRICS_EXPORTER", "console", "expected one of otlp, prometheus, none"),
        ("OTEL_LOGS_EXPORTER", "console", "expected one of otlp, none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "expected one of grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "udp", "expected one of grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc,http/protobuf", "expected one of grpc, http/protobuf"),
        ("OTEL_PROPAGATORS", "b3", "expected one of tracecontext, baggage, none"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "expected one of always_on, always_off, traceidratio"),
        ("OTEL_TRACES_SAMPLER", "Always_On", "expected one of always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "10%", "expected 0.0 to 1.0"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5", "expected 0.0 to 1.0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2k", "expected 1 to 1000000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "18446744073709551615", "expected 1 to 1000000"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0", "expected 1 to 1000000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "60s", "expected 1 to 2592000000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "10s", "expected 1 to 2592000000"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "-1", "expected 0 to 4294967295"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "expected one of none"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd", "expected one of none"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sum", "expected one of cumulative"),
    ] {
        assert_refused(&[(variable, value)], &[variable, value, "environment", expected]).await;
    }
}

/// A header may be a password.
#[tokio::test]
async fn invalid_opentelemetry_headers_are_refused_without_their_values() {
    for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
        for value in ["s3cret", "authorization: Bearer s3cret", "a=b,s3cret", "a key=s3cret", "=s3cret"] {
            assert_refused(&[(variable, value)], &[variable, "expected key=value pairs"]).await;
        }
    }
    assert_refused(&[("OTEL_RESOURCE_ATTRIBUTES", "a")], &["OTEL_RESOURCE_ATTRIBUTES", "expected key=value"])
        .await;
}

#[tokio::test]
async fn valid_opentelemetry_variables_are_accepted() {
    let variables = [
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x==,a = b,"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "gRPC"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", ""),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "5000"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,k8s.pod.name=x"),
    ];
    effective(&variables, &[]).await;
}

#[tokio::test]
async fn an_opentelemetry_endpoint_that_is_not_a_url_is_refused() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
    ];
    let ended = run_with(&variables, &["serve"]).await;
    assert!(refusal(&ended).contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{ended:?}");
    assert!(refusal(&ended).contains("'nonsense'"), "{ended:?}");
}

//! Tests of refused values, and of the line that reports each.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::*;

#[tokio::test]
async fn an_unknown_variable_is_refused() {
    let expected = "unknown key, expected one of url, read_url, password_file, pool_size";
    let named = ["database.poolsize", "FILMS__DATABASE__POOLSIZE", expected];
    assert_refused(&[("FILMS__DATABASE__POOLSIZE", "3")], &named).await;
}

#[tokio::test]
async fn a_variable_of_an_unknown_table_is_refused_by_its_name() {
    let named = ["databse", "FILMS__DATABSE__URL", "expected one of http, admin, database"];
    assert_refused(&[("FILMS__DATABSE__URL", "postgres://h/d")], &named).await;
}

#[tokio::test]
async fn an_unknown_key_of_a_toml_file_is_refused() {
    let named = ["shutdown.grace_period", "unknown key", "lame_duck", "grace"];
    assert_file_refused("unknown.toml", "[shutdown]\ngrace_period = \"1s\"\n", &named).await;
}

#[tokio::test]
async fn an_unknown_key_of_a_yaml_file_is_refused() {
    let named = ["shutdown.grace_period", "unknown key", "lame_duck", "grace"];
    assert_file_refused("unknown.yaml", "shutdown:\n  grace_period: 1s\n", &named).await;
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused() {
    let variable = "FILMS__DATABASE__POOL_SIZE";
    for value in ["many", "-1", "1.5", ""] {
        let named = ["database.pool_size", value, variable, "expected an integer"];
        assert_refused(&[(variable, value)], &named).await;
    }
    let named = ["readiness.database", "maybe", "FILMS__READINESS__DATABASE", "expected a boolean"];
    assert_refused(&[("FILMS__READINESS__DATABASE", "maybe")], &named).await;
    let named = ["database.pool_size", "many", "expected an integer"];
    assert_file_refused("type.toml", "[database]\npool_size = \"many\"\n", &named).await;
}

#[tokio::test]
async fn a_duration_without_its_unit_is_refused() {
    let named = ["shutdown.grace", "20", "expected a duration with its unit, such as 500ms or 5s"];
    assert_refused(&[("FILMS__SHUTDOWN__GRACE", "20")], &named).await;
    assert_file_refused("duration.toml", "[shutdown]\ngrace = 20\n", &named).await;
}

#[tokio::test]
async fn an_address_without_its_port_is_refused() {
    for value in ["5000", "127.0.0.1", "localhost:5000"] {
        let named = ["http.listen", value, "FILMS__HTTP__LISTEN", "expected an IP address with a port"];
        assert_refused(&[("FILMS__HTTP__LISTEN", value)], &named).await;
    }
}

#[tokio::test]
async fn an_unknown_log_format_is_refused_with_the_valid_formats() {
    let named = ["log.format", "xml", "FILMS__LOG__FORMAT", "expected", "auto", "json", "text"];
    assert_refused(&[("FILMS__LOG__FORMAT", "xml")], &named).await;
}

#[tokio::test]
async fn a_log_filter_that_does_not_parse_is_refused() {
    for variable in ["FILMS__LOG__FILTER", "RUST_LOG"] {
        let named = ["log.filter", "films=loud", variable, "expected a level"];
        assert_refused(&[(variable, "films=loud")], &named).await;
    }
}

#[tokio::test]
async fn a_misspelt_level_is_refused_with_the_near_level() {
    for (filter, near) in [
        ("inof", "did you mean info?"),
        ("debgu", "did you mean debug?"),
        ("wran,films=debug", "did you mean warn?"),
        ("info, tarce", "did you mean trace?"),
        ("sqlx", "such as sqlx=trace"),
    ] {
        let named = ["log.filter", filter, "FILMS__LOG__FILTER", near, "expected a level (off, error, warn"];
        assert_refused(&[("FILMS__LOG__FILTER", filter)], &named).await;
    }
}

#[tokio::test]
async fn levels_and_pairs_are_filters() {
    for filter in ["off", "INFO", "3", "films=debug", "hyper=warn, info", "films[request]=debug", "warn,"] {
        effective(&[("FILMS__LOG__FILTER", filter)], &[]).await;
    }
}

#[tokio::test]
async fn a_number_out_of_range_is_refused_with_the_range() {
    for (key, expected) in [
        ("http.max_connections", "expected 1 to 1000000"),
        ("http.max_body_size", "expected 1 to 1073741824"),
        ("http.threads", "expected 1 to 1024"),
        ("database.pool_size", "expected 1 to 10000"),
        ("database.max_batch_size", "expected 1 to 10000"),
        ("database.queue_size", "expected 1 to 1000000"),
        ("database.cache_entries", "expected 0 to 10000000"),
        ("database.cache_size", "expected 0 to 1099511627776"),
    ] {
        let variable = format!("FILMS__{}", key.to_uppercase().replace('.', "__"));
        // The pool's size has 32 bits.
        let largest = if key == "database.pool_size" { "4294967295" } else { "2305843009213693952" };
        assert_refused(&[(&variable, largest)], &[key, largest, &variable, expected]).await;
    }
}

#[tokio::test]
async fn a_duration_out_of_range_is_refused_with_the_range() {
    for key in [
        "http.request_timeout",
        "http.body_timeout",
        "http.header_timeout",
        "http.write_timeout",
        "database.connect_timeout",
        "database.query_timeout",
        "readiness.interval",
        "shutdown.lame_duck",
        "shutdown.grace",
    ] {
        let variable = format!("FILMS__{}", key.to_uppercase().replace('.', "__"));
        for value in ["31d", "584542046089y", "99999999999999999999s"] {
            let named = [key, value, &variable, "expected at most 30 days"];
            assert_refused(&[(&variable, value)], &named).await;
        }
    }
}

#[tokio::test]
async fn a_timeout_of_zero_is_refused() {
    let named = ["database.query_timeout", "0s", "FILMS__DATABASE__QUERY_TIMEOUT", "expected more than 0s"];
    assert_refused(&[("FILMS__DATABASE__QUERY_TIMEOUT", "0s")], &named).await;
    assert_file_refused("zero.toml", "[http]\nbody_timeout = \"0s\"\n", &["http.body_timeout", "0s"]).await;
}

#[tokio::test]
async fn an_empty_pool_is_refused() {
    let named = ["database.pool_size", "0", "FILMS__DATABASE__POOL_SIZE", "expected 1 to 10000"];
    assert_refused(&[("FILMS__DATABASE__POOL_SIZE", "0")], &named).await;
}

#[tokio::test]
async fn a_batch_larger_than_its_queue_is_refused() {
    let variables = [("FILMS__DATABASE__MAX_BATCH_SIZE", "101"), ("FILMS__DATABASE__QUEUE_SIZE", "100")];
    let named = ["database.max_batch_size", "101", "expected at most database.queue_size", "100"];
    assert_refused(&variables, &named).await;
}

#[tokio::test]
async fn a_queue_too_small_for_the_default_batch_is_refused_with_both_numbers() {
    let named = ["database.max_batch_size", "256", "database.queue_size", "50"];
    assert_refused(&[("FILMS__DATABASE__QUEUE_SIZE", "50")], &named).await;
}

#[tokio::test]
async fn a_body_timeout_as_long_as_the_request_timeout_is_refused() {
    for (body, request) in [("5s", "5s"), ("6s", "5s")] {
        let variables = [("FILMS__HTTP__BODY_TIMEOUT", body), ("FILMS__HTTP__REQUEST_TIMEOUT", request)];
        let named = ["http.body_timeout", body, "expected less than http.request_timeout", request];
        assert_refused(&variables, &named).await;
    }
}

#[tokio::test]
async fn a_scalar_in_place_of_a_table_is_refused() {
    let named = ["database = 3", "FILMS__DATABASE", "expected a table"];
    assert_refused(&[("FILMS__DATABASE", "3")], &named).await;
    assert_file_refused("scalar.toml", "database = 3\n", &["database = 3", "expected a table"]).await;
}

/// The order of the variables is random, so the test runs several times.
#[tokio::test]
async fn a_scalar_in_place_of_a_table_is_refused_even_with_keys_of_that_table() {
    for _ in 0..20 {
        let variables = [("FILMS__DATABASE", "3"), ("FILMS__DATABASE__POOL_SIZE", "3")];
        assert_refused(&variables, &["FILMS__DATABASE", "expected a table"]).await;
    }
}

#[tokio::test]
async fn a_url_in_place_of_the_database_table_is_refused_without_its_password() {
    assert_refused(&[("FILMS__DATABASE", "postgres://u:s3cret@h/d")], &["database", "expected a table"])
        .await;
}

#[tokio::test]
async fn a_broken_file_is_refused() {
    assert_file_refused("broken.toml", "[database\n", &["line 1"]).await;
    assert_file_refused("broken.yaml", "database: [\n", &["line 2"]).await;
}

#[tokio::test]
async fn a_broken_file_is_refused_without_its_password() {
    let url = "postgres://u:s3cret@h/d";
    assert_file_refused("secret.toml", &format!("[database]\nurl = \"{url}\n"), &["line 2"]).await;
    assert_file_refused("secret.yaml", &format!("database:\n  url: \"{url}\n"), &["line 2"]).await;
}

#[tokio::test]
async fn a_missing_file_is_refused() {
    let ended = run_with(&[], &["config", "--config", "/nowhere/films.toml"]).await;
    assert!(refusal(&ended).contains("/nowhere/films.toml\" not found"), "{ended:?}");
}

#[tokio::test]
async fn a_file_of_an_unknown_format_is_refused() {
    let path = file("films.ini", "[database]\n");
    let ended = run_with(&[], &["config", "--config", text(&path)]).await;
    assert!(refusal(&ended).contains("films.ini\" is not of a supported file format"), "{ended:?}");
}

#[tokio::test]
async fn the_url_of_another_database_is_refused() {
    let named = ["database.url", "DATABASE_URL", "mysql", "expected postgres://"];
    assert_refused(&[("DATABASE_URL", "mysql://u:s3cret@h/d")], &named).await;
}

#[tokio::test]
async fn a_malformed_url_is_refused_without_its_password() {
    for url in
        ["postgres://u:s3cret@h:99999/d", "postgres//u:s3cret@h/d", "postgres://u:s3cret@[h/d", "s3cret", ""]
    {
        for (variable, key) in [
            ("DATABASE_URL", "database.url"),
            ("FILMS__DATABASE__URL", "database.url"),
            ("FILMS__DATABASE__READ_URL", "database.read_url"),
        ] {
            assert_refused(&[(variable, url)], &[key, variable, "expected postgres://"]).await;
        }
    }
    let content = "[database]\nurl = \"postgres://u:s3cret@h:99999/d\"\n";
    assert_file_refused("url.toml", content, &["database.url", "expected postgres://"]).await;
    let content = "[database.url]\npassword = \"s3cret\"\n";
    assert_file_refused("url-table.toml", content, &["database.url", "expected a string"]).await;
}

#[tokio::test]
async fn a_url_with_an_invalid_parameter_is_refused() {
    let named = ["database.url", "DATABASE_URL", "sometimes"];
    assert_refused(&[("DATABASE_URL", "postgres://u:s3cret@h/d?sslmode=sometimes")], &named).await;
}

#[tokio::test]
async fn invalid_libpq_variables_are_refused() {
    assert_refused(&[("PGPORT", "five")], &["PGPORT", "five", "environment", "expected a port"]).await;
    assert_refused(&[("PGSSLMODE", "on")], &["PGSSLMODE", "on", "environment", "verify-full"]).await;
}

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
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
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

#[tokio::test]
async fn an_unreadable_password_file_is_refused() {
    for (variable, path, reason) in [
        ("DATABASE_PASSWORD_FILE", "/nowhere/password", "No such file"),
        ("FILMS__DATABASE__PASSWORD_FILE", env!("CARGO_TARGET_TMPDIR"), "Is a directory"),
    ] {
        assert_refused(&[(variable, path)], &["database.password_file", path, "cannot be read", reason])
            .await;
    }
}

#[tokio::test]
async fn a_variable_that_is_not_unicode_is_refused() {
    for name in ["FILMS__DATABASE__URL", "DATABASE_URL", "RUST_LOG", "PGPORT"] {
        let mut command = command(&set(&[]), &["config"]);
        let output = command.env(name, OsStr::from_bytes(b"s3cret\xff")).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let ended = Ended { code: output.status.code(), stdout: String::new(), stderr };
        assert!(refusal(&ended).starts_with(name), "{ended:?}");
        assert!(refusal(&ended).contains("not valid Unicode"), "{ended:?}");
    }
}

#[tokio::test]
async fn a_value_of_several_lines_is_reported_on_one_line() {
    assert_refused(&[("FILMS__LOG__FILTER", "info,\nfilms=loud")], &["log.filter", "films=loud"]).await;
    assert_refused(&[("OTEL_TRACES_EXPORTER", "otlp\nnone")], &["OTEL_TRACES_EXPORTER"]).await;
}

#[tokio::test]
async fn every_command_refuses_an_invalid_configuration() {
    for arguments in [[].as_slice(), &["serve"], &["migrate"], &["seed"], &["check"], &["config"]] {
        let ended = run_with(&[("FILMS__DATABASE__POOL_SIZE", "0")], arguments).await;
        assert!(refusal(&ended).starts_with("database.pool_size = 0 "), "{arguments:?}: {ended:?}");
    }
}

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
async fn a_value_of_the_wrong_type_is_not_converted() {
    for (number, value) in ["1.5", "1e3", "100000000000000000000", "true"].into_iter().enumerate() {
        for key in ["database.cache_size", "http.threads"] {
            let (table, name) = key.split_once('.').unwrap();
            let content = format!("{table}:\n  {name}: {value}\n");
            let file = format!("converted-{number}-{name}.yaml");
            assert_file_refused(&file, &content, &[key, "expected an integer"]).await;
        }
    }
    let named = ["readiness.database = 2", "expected a boolean"];
    assert_file_refused("converted.yaml", "readiness:\n  database: 2\n", &named).await;
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
async fn an_origin_that_no_browser_sends_is_refused() {
    let variable = "FILMS__HTTP__CORS_ORIGINS";
    let key = "http.cors_origins";
    for value in ["example.org", "ftp://example.org", "null", "https://", "*,*", "https://*.example.org"] {
        let named = [key, variable, "expected * or origins separated by commas"];
        assert_refused(&[(variable, value)], &named).await;
    }
    for value in [
        "https://example.org/films",
        "https://u:s3cret@example.org",
        "https://a.example, https://example.org?x",
    ] {
        assert_refused(&[(variable, value)], &[key, variable, "expected https://example.org"]).await;
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

//! Tests of `films config`: the printed configuration and its schema.

use super::*;

#[tokio::test]
async fn the_printed_configuration_loads_again_unchanged() {
    let password = file("round-trip-password", "x");
    let variables = [
        ("FILMS__HTTP__LISTEN", "[::1]:5001"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "1m 1500ms"),
        ("FILMS__HTTP__MAX_BODY_SIZE", "1"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        (
            "FILMS__DATABASE__URL",
            "postgres://u:p%40ss@h:5433/d?sslmode=require&password=x&application_name=a%20b",
        ),
        ("FILMS__DATABASE__READ_URL", "postgres://u:p%40ss@replica:5433/d"),
        ("FILMS__DATABASE__PASSWORD_FILE", text(&password)),
        ("FILMS__DATABASE__POOL_SIZE", "3"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "250us"),
        ("FILMS__READINESS__DATABASE", "false"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("FILMS__LOG__FILTER", "info,films[{a=\"b\"}]=debug"),
        ("FILMS__LOG__FORMAT", "text"),
    ];
    let printed = run_with(&variables, &["config"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let path = file("round-trip.toml", &printed.stdout);
    let again = run_with(&[], &["--config", text(&path), "config"]).await;
    assert_eq!((again.code, again.stdout), (Some(0), printed.stdout));
}

#[tokio::test]
async fn passwords_are_not_shown() {
    for url in [
        "postgres://u:s3cret@h:5433/d",
        "postgres://:s3cret@h/d",
        "postgres://u@h/d?password=s3cret",
        "postgres://u:s3cret@h/d?sslmode=require&password=s3cret",
        "postgres://h/d?sslpassword=s3cret",
    ] {
        for variable in ["DATABASE_URL", "FILMS__DATABASE__READ_URL"] {
            let ended = run_with(&[(variable, url)], &["config"]).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(!ended.stdout.contains(SECRET), "{url}: {}", ended.stdout);
            assert!(ended.stdout.contains("redacted"), "{url}: {}", ended.stdout);
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_url_is_shown() {
    let url = "postgres://u:s3cret@h:5433/d?sslmode=require";
    let config = effective(&[("DATABASE_URL", url)], &[]).await;
    assert_eq!(config["database"]["url"].as_str(), Some("postgres://u:redacted@h:5433/d?sslmode=require"));
}

#[tokio::test]
async fn the_schema_describes_every_printed_key() {
    let ended = run_with(&[], &["config", "--schema"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for (table, keys) in effective(&[], &[]).await {
        let reference = schema["properties"][&table]["$ref"].as_str().unwrap();
        let definition = schema.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        for key in keys.as_table().unwrap().keys() {
            assert!(definition["properties"][key]["description"].is_string(), "{table}.{key}");
        }
    }
}

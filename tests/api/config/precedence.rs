//! Tests of precedence: the environment over the file, the file over the defaults.

use super::*;

#[tokio::test]
async fn the_environment_overrides_the_file_and_the_file_overrides_the_defaults() {
    let path = file("precedence.toml", "[database]\npool_size = 3\nqueue_size = 300\n");
    let arguments = ["--config", text(&path)];
    let config = effective(&[("FILMS__DATABASE__POOL_SIZE", "4")], &arguments).await;
    let database = &config["database"];
    assert_eq!(database["pool_size"].as_integer(), Some(4));
    assert_eq!(database["queue_size"].as_integer(), Some(300));
    assert_eq!(database["max_batch_size"].as_integer(), Some(256));
}

#[tokio::test]
async fn a_key_overrides_its_alias_and_the_alias_overrides_the_file() {
    let path = file("alias.toml", "[database]\nurl = \"postgres://file/d\"\n[log]\nfilter = \"error\"\n");
    let arguments = ["--config", text(&path)];
    let host = async |variables: &[(&str, &str)]| {
        effective(variables, &arguments).await["database"]["url"].as_str().unwrap().to_owned()
    };
    let alias = ("DATABASE_URL", "postgres://alias/d");
    let key = ("FILMS__DATABASE__URL", "postgres://key/d");
    assert_eq!(host(&[]).await, "postgres://file/d");
    assert_eq!(host(&[alias]).await, "postgres://alias/d");
    assert_eq!(host(&[alias, key]).await, "postgres://key/d");

    let filter = async |variables: &[(&str, &str)]| {
        effective(variables, &arguments).await["log"]["filter"].as_str().unwrap().to_owned()
    };
    assert_eq!(filter(&[("RUST_LOG", "warn")]).await, "warn");
    assert_eq!(filter(&[("RUST_LOG", "warn"), ("FILMS__LOG__FILTER", "debug")]).await, "debug");
}

#[tokio::test]
async fn a_file_with_the_extension_yaml_is_yaml() {
    let path = file("films.yaml", "database:\n  pool_size: 3\nhttp:\n  listen: 127.0.0.1:1\n");
    let config = effective(&[], &["--config", text(&path)]).await;
    assert_eq!(config["database"]["pool_size"].as_integer(), Some(3));
    assert_eq!(config["http"]["listen"].as_str(), Some("127.0.0.1:1"));
}

/// Kubernetes sets these variables in every pod if there is a Service named `films`.
#[tokio::test]
async fn variables_of_a_kubernetes_service_are_ignored() {
    let injected = [
        ("FILMS_PORT", "tcp://10.0.0.1:5000"),
        ("FILMS_SERVICE_HOST", "10.0.0.1"),
        ("FILMS_PORT_5000_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(effective(&injected, &[]).await, effective(&[], &[]).await);
}

#[tokio::test]
async fn defaults_that_the_chart_relies_on_are_unchanged() {
    let config = effective(&[], &[]).await;
    for (table, key, expected) in [
        ("http", "listen", Value::from("0.0.0.0:5000")),
        ("admin", "listen", Value::from("0.0.0.0:9090")),
        ("database", "pool_size", Value::from(20)),
        ("readiness", "database", Value::from(true)),
    ] {
        assert_eq!(config[table][key], expected, "{table}.{key}");
    }
    for (table, key) in [
        ("database", "max_batch_size"),
        ("database", "queue_size"),
        ("shutdown", "lame_duck"),
        ("shutdown", "grace"),
    ] {
        assert!(config[table].get(key).is_some(), "{table}.{key}");
    }
}

//! Tests of the loader that need no process. `tests/api/config` tests the rest on the real binary.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use proptest::prelude::*;

use super::super::environment::PREFIX;
use super::*;

fn loaded(variables: &[(&str, &str)]) -> Result<Config, Error> {
    merge(None, &Variables::new(variables.iter().map(|(name, value)| (name.into(), value.into())))?)
}

fn error(variables: &[(&str, &str)]) -> String {
    loaded(variables).unwrap_err().to_string()
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn schema() -> Json {
    Json::from(schemars::schema_for!(Config))
}

/// Returns every setting with its part of the schema, by its dotted key.
fn settings() -> Vec<(String, Json)> {
    let schema = schema();
    let sections = schema["properties"].as_object().unwrap();
    sections
        .iter()
        .flat_map(|(section, property)| {
            let definition = property["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
            let keys = schema.pointer(definition).unwrap()["properties"].as_object().unwrap();
            keys.iter().map(move |(key, setting)| (format!("{section}.{key}"), setting.clone()))
        })
        .collect()
}

#[test]
fn no_variables_give_the_defaults() {
    let defaults = Config { otel: Otel { trace_context: true, ..Otel::default() }, ..Config::default() };
    assert_eq!(loaded(&[]).unwrap(), defaults);
}

#[test]
fn every_key_has_a_variable() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (key, _) in settings() {
        let default = defaults.pointer(&format!("/{}", key.replace('.', "/"))).unwrap();
        let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let text = match key.as_str() {
            "http.threads" => "2",
            "database.url" | "database.read_url" => "postgres://h/d",
            "database.password_file" => "/dev/null",
            _ => &text,
        };
        let result = loaded(&[(&variable(&key), text)]);
        assert!(result.is_ok(), "{key}: {result:?}");
    }
}

#[test]
fn every_setting_has_a_description_of_full_sentences() {
    for (key, setting) in settings() {
        let description = setting["description"].as_str().unwrap_or_default();
        assert!(description.starts_with(char::is_uppercase), "{key}: {description:?}");
        assert!(description.ends_with('.') && description.len() > 20, "{key}: {description:?}");
    }
}

#[test]
fn every_integer_has_a_range_and_is_refused_outside_of_it() {
    let mut keys = Vec::new();
    for (key, setting) in settings() {
        let (Some(minimum), maximum) = (setting["minimum"].as_u64(), setting["maximum"].as_u64()) else {
            continue;
        };
        let maximum = maximum.unwrap_or_else(|| panic!("{key} has no maximum"));
        let variable = variable(&key);
        for value in minimum.checked_sub(1).into_iter().chain([maximum + 1]).map(|value| value.to_string()) {
            let expected = format!("expected {minimum} to {maximum}");
            let line = format!("invalid configuration: {key} = {value} (from {variable}): {expected}");
            assert_eq!(error(&[(&variable, &value)]), line);
        }
        for value in [minimum, maximum].map(|value| value.to_string()) {
            // A value inside its range may still contradict another key.
            let result = loaded(&[(&variable, &value), ("FILMS__DATABASE__QUEUE_SIZE", "1000000")]);
            assert!(result.is_ok() || key == "database.queue_size", "{key} = {value}: {result:?}");
        }
        keys.push(key);
    }
    assert!(keys.len() >= 8, "{keys:?}");
}

#[test]
fn a_timeout_of_zero_is_refused_and_a_delay_of_zero_is_not() {
    let timeouts = ["http.request_timeout", "http.body_timeout", "http.header_timeout", "http.write_timeout"];
    let more = ["database.connect_timeout", "database.query_timeout", "readiness.interval"];
    for key in timeouts.into_iter().chain(more).chain(["reviews.idempotency_ttl"]) {
        let line = format!("{key} = 0s (from {}): expected more than 0s", variable(key));
        assert!(error(&[(&variable(key), "0s")]).ends_with(&line), "{key}");
    }
    for key in ["shutdown.lame_duck", "shutdown.grace", "log.slow_request"] {
        assert!(loaded(&[(&variable(key), "0s")]).is_ok(), "{key}");
    }
}

#[test]
fn a_variable_that_is_not_unicode_is_refused_by_name() {
    let bytes = || OsString::from_vec(b"s3cret\xff".to_vec());
    for name in
        ["FILMS__DATABASE__URL", "DATABASE_URL", "DATABASE_PASSWORD_FILE", "RUST_LOG", "OTEL_SERVICE_NAME"]
    {
        let error = Variables::new([(name.into(), bytes())]).unwrap_err().to_string();
        let line = format!("invalid configuration: {name} (from the environment): not valid Unicode");
        assert!(error.starts_with(&line) && !error.contains("s3cret"), "{error}");
    }
    let name = OsString::from_vec(b"FILMS__\xff".to_vec());
    assert!(Variables::new([(name, "1".into())]).is_err());
    assert!(Variables::new([("PATH".into(), bytes()), (bytes(), "1".into())]).is_ok());
}

#[test]
fn passwords_are_in_no_debug_output() {
    let url = "postgres://u:s3cret@h/d?password=s3cret";
    let config = loaded(&[("DATABASE_URL", url)]).unwrap();
    let shown = format!("{config:?} {:#?}", config.database);
    assert!(shown.contains("postgres://u:redacted@h/d?password=redacted"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_printed_configuration_can_be_loaded() {
    let printed = toml::to_string(&Config::default()).unwrap();
    assert_eq!(toml::from_str::<Config>(&printed).unwrap(), Config::default());
}

/// Returns a setting's variable with a value that may fit.
fn assignments() -> impl Strategy<Value = (String, String)> {
    let keys: Vec<_> = settings().into_iter().map(|(key, _)| variable(&key)).collect();
    let value = prop_oneof![
        "-?[0-9]{1,20}",
        "[0-9]{1,9}(ms|s|m|h)",
        "true|false",
        "postgres://[a-z:@/?=]{0,20}",
        ".{0,20}"
    ];
    (prop::sample::select(keys), value)
}

proptest! {
    // Each case merges a configuration, which takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_accepted_value_is_within_its_limits((name, value) in assignments()) {
        if let Ok(config) = loaded(&[(&name, &value)]) {
            prop_assert!(limits::violation(&config).unwrap().is_none(), "{} = {}", name, value);
        }
    }

    #[test]
    fn no_variable_panics(rest in "[a-zA-Z0-9_.\\[\\]-]{0,12}", otel in "[A-Z_]{1,12}", value in any::<String>()) {
        let name = format!("{PREFIX}{rest}");
        if let Err(error) = loaded(&[(&name, &value), (&format!("OTEL_{otel}"), &value)]) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}

//! What is better looked at without a process around it.

use super::*;

fn loaded(variables: &[(&str, &str)]) -> Result<Config, Error> {
    from_sources(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// Which signals leave the process: traces, metrics, logs.
fn exported(variables: &[(&str, &str)]) -> [bool; 3] {
    let otel = loaded(variables).unwrap().otel;
    [otel.traces, otel.metrics, otel.logs]
}

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

#[test]
fn no_variable_gives_the_defaults() {
    let defaults = Config { otel: Otel { trace_context: true, ..Otel::default() }, ..Config::default() };
    assert_eq!(loaded(&[]).unwrap(), defaults);
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
fn an_endpoint_of_one_signal_exports_that_one() {
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c")]), [true, false, false]);
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c")]), [false, true, false]);
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://c")]), [false, false, true]);
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    assert_eq!(exported(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), [false; 3]);
    let empty =
        ["OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_PROPAGATORS", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    for name in empty {
        assert_eq!(exported(&[ENDPOINT, (name, "")]), [true; 3], "{name}");
    }
    assert!(loaded(&[("OTEL_PROPAGATORS", "")]).unwrap().otel.trace_context);
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
fn a_signal_is_exported_where_otlp_is_among_its_exporters() {
    let metrics = |exporters| exported(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", exporters)]);
    assert_eq!(metrics("otlp"), [true; 3]);
    assert_eq!(metrics("prometheus, otlp"), [true; 3]);
    assert_eq!(metrics("prometheus"), [true, false, true]);
    assert_eq!(metrics("none"), [true, false, true]);
}

#[test]
fn trace_context_is_accepted_where_it_is_among_the_propagators() {
    for (propagators, accepted) in
        [("tracecontext,baggage", true), ("baggage, tracecontext", true), ("baggage", false), ("none", false)]
    {
        let config = loaded(&[("OTEL_PROPAGATORS", propagators)]).unwrap();
        assert_eq!(config.otel.trace_context, accepted, "{propagators}");
    }
}

#[test]
fn every_key_has_a_variable() {
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (table, keys) in defaults.as_object().unwrap() {
        for (key, value) in keys.as_object().unwrap() {
            let variable = format!("{PREFIX}{table}__{key}").to_uppercase();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = match key.as_str() {
                "threads" => "2",
                _ if value.is_null() => "postgres://h/d",
                _ => &text,
            };
            // The file of the password is looked for, so it is known as well.
            let known = loaded(&[(&variable, text)]).map_err(|error| error.to_string());
            assert!(known.is_ok() || key == "password_file", "{variable}: {known:?}");
        }
    }
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
fn a_configuration_that_is_printed_can_be_loaded() {
    let printed = toml::to_string(&Config::default()).unwrap();
    assert_eq!(toml::from_str::<Config>(&printed).unwrap(), Config::default());
}

//! The `config` values of the Helm chart, read by the service's own loader: values.yaml must show every
//! setting with its default.

use std::path::Path;

use config::{File, Value};

use super::super::environment::Variables;
use super::super::otel::Otel;
use super::super::settings::Config;
use super::{check, find};

/// Settings that the chart leaves out on purpose, with the reason.
const LEFT_OUT: [(&str, &str); 7] = [
    ("http.threads", "follows from the CPU limit of the pod"),
    ("database.url", "comes from `postgres` through the environment, and may contain a password"),
    ("database.read_url", "comes from `postgres` through the environment, and may contain a password"),
    ("database.password_file", "comes from `postgres` through the environment"),
    ("database.pool_size", "is computed from the connection budget"),
    ("faults.enabled", "comes from `faults` of the values"),
    ("faults.token_file", "is where the chart mounts the Secret"),
];

fn chart_values() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/films/values.yaml");
    let values = config::Config::builder().add_source(File::from(Path::new(path))).build().unwrap();
    find(&values.cache, "config").unwrap().clone()
}

#[test]
fn the_values_of_the_chart_are_the_defaults() {
    let loaded = check(&chart_values(), &Variables::new([]).unwrap()).unwrap();
    assert_eq!(Config { otel: Otel::default(), ..loaded }, Config::default());
}

#[test]
fn the_chart_shows_every_setting_except_those_it_leaves_out() {
    let (values, defaults) = (chart_values(), serde_json::to_value(Config::default()).unwrap());
    for (table, keys) in defaults.as_object().unwrap() {
        for key in keys.as_object().unwrap().keys() {
            let key = format!("{table}.{key}");
            let left_out = LEFT_OUT.iter().any(|(name, _)| *name == key);
            assert_eq!(find(&values, &key).is_none(), left_out, "config.{key} of values.yaml");
        }
    }
}

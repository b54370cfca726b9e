//! The chart's `config:` is read by the service's own loader, or this fails: helm/films/values.yaml shows
//! every setting there is, at its default.

use super::*;

/// What the chart leaves out on purpose, and why.
const LEFT_OUT: [(&str, &str); 5] = [
    ("http.threads", "follows from the pod's CPU limit"),
    ("database.url", "comes from `postgres`, by the environment, and may hold a password"),
    ("database.read_url", "likewise"),
    ("database.password_file", "likewise"),
    ("database.pool_size", "the chart computes it from the connection budget"),
];

fn charts() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/films/values.yaml");
    let values = config::Config::builder().add_source(File::from(Path::new(path))).build().unwrap();
    find(&values.cache, "config").unwrap().clone()
}

#[test]
fn the_charts_settings_are_the_defaults() {
    let loaded = checked(&charts(), &Variables(BTreeMap::new())).unwrap();
    assert_eq!(Config { otel: Otel::default(), ..loaded }, Config::default());
}

#[test]
fn the_chart_shows_every_setting_but_those_it_leaves_out() {
    let (charts, defaults) = (charts(), serde_json::to_value(Config::default()).unwrap());
    for (table, keys) in defaults.as_object().unwrap() {
        for key in keys.as_object().unwrap().keys() {
            let key = format!("{table}.{key}");
            let left_out = LEFT_OUT.iter().any(|(name, _)| *name == key);
            assert_eq!(find(&charts, &key).is_none(), left_out, "config.{key} of values.yaml");
        }
    }
}

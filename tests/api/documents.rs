//! The documents in `docs/` list every metric and every exit code of the service, and no others.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

use crate::support::http::REVIEW;
use crate::support::{Ended, Films, run, set};

const METRICS: &str = include_str!("../../docs/metrics.md");
const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// Returns the rows of the table whose header begins with this cell.
fn table<'a>(document: &'a str, first_cell: &str) -> Vec<Vec<&'a str>> {
    let header = format!("| {first_cell} |");
    let rows = document.lines().skip_while(|line| !line.starts_with(&header)).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// Returns the words in backticks.
fn words(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the type and the labels of each metric on a page in Prometheus' format.
fn metrics(page: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut metrics = BTreeMap::new();
    for line in page.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            metrics.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, labels)) = line.split_once('{') {
            let name = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let series = line.split('{').next().unwrap();
            let is_histogram = !metrics.contains_key(series);
            let entry = metrics.get_mut(if is_histogram { name.unwrap() } else { series }).unwrap();
            let labels = labels.rsplit_once('}').unwrap().0.split("\",").map(|label| label.split('=').next());
            entry.1.extend(labels.flatten().filter(|label| *label != "le").map(str::to_owned));
        }
    }
    metrics
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_metric_is_documented_with_its_type_and_labels(pool: PgPool) {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&token, "0123456789abcdef").unwrap();
    let token = ("FILMS__FAULTS__TOKEN_FILE", token.path().to_str().unwrap());
    let films = Films::start_with(&pool, &[("FILMS__FAULTS__ENABLED", "true"), token]).await;
    films.get("/films/995/").await;
    films.get("/films/").await;
    films.post("/reviews/", REVIEW).await;
    // A failure of the service adds the label for its cause.
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    assert_eq!(films.get("/films/1/").await.status, 500);

    let row = |row: Vec<&str>| {
        let [_, name, kind, _unit, attributes, _meaning] = row[..] else { panic!("{row:?}") };
        let kind = if kind == "up-down counter" { "gauge" } else { kind };
        let labels = words(attributes).iter().map(|attribute| attribute.replace('.', "_")).collect();
        (words(name).pop_first().unwrap(), (kind.to_owned(), labels))
    };
    let mut documented: BTreeMap<_, _> = table(METRICS, "instrument").into_iter().map(row).collect();
    // Only an instance with a standby exports it, and has no leases: see tests/api/replica.rs.
    assert!(documented.remove("films_replica_lag_seconds").is_some());
    let mut exported = metrics(&films.admin("/metrics").await.body);
    let (_, labels) = exported.remove("target_info").unwrap();
    assert_eq!(exported, documented);

    let line = METRICS.lines().find(|line| line.contains("`target_info`")).unwrap();
    let documented = words(line)
        .into_iter()
        .filter(|word| !["target_info", "OTEL_RESOURCE_ATTRIBUTES"].contains(&&**word));
    assert_eq!(labels, documented.collect());
}

#[tokio::test]
async fn the_list_of_metrics_is_in_the_documentation() {
    let printed = run(&set(&[]), &["metrics"]).await;
    let list: Vec<serde_json::Value> = serde_json::from_str(&printed.stdout).unwrap();
    let code = |value: &serde_json::Value| match value.as_str().unwrap() {
        "" => String::new(),
        text => format!("`{text}`"),
    };
    let row = |metric: &serde_json::Value| {
        let attributes: Vec<_> = metric["attributes"].as_array().unwrap().iter().map(code).collect();
        let (kind, meaning) = (metric["type"].as_str().unwrap(), metric["meaning"].as_str().unwrap());
        let (name, unit) = (code(&metric["name"]), code(&metric["unit"]));
        [name, code(&metric["name_in_prometheus"]), kind.into(), unit, attributes.join(", "), meaning.into()]
    };
    let listed: Vec<_> = list.iter().map(row).collect();
    assert!(table(METRICS, "instrument") == listed, "docs/metrics.md is out of date: run `cargo xtask docs`");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_exit_code_is_documented(pool: PgPool) {
    let code = async |variables: &[(&str, &str)], arguments: &[&str]| -> Option<i32> {
        let Ended { code, .. } = run(&set(variables), arguments).await;
        code
    };
    let mut seen = BTreeSet::new();
    seen.insert(code(&[], &["config"]).await);
    seen.insert(code(&[("FILMS__ADMIN__LISTEN", "127.0.0.1:1")], &["check"]).await);
    seen.insert(code(&[], &["--nope"]).await);
    seen.insert(code(&[("FILMS__DATABASE__POOL_SIZE", "0")], &["config"]).await);
    // The lame duck leaves time for a second signal.
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1m")]).await;
    films.signal("TERM");
    films.until_readiness(|response| response.status == 503).await;
    films.signal("TERM");
    seen.insert(films.ended().await.code());

    let documented = table(CONFIGURATION, "exit code").into_iter().map(|row| row[0].parse().ok());
    assert_eq!(seen, documented.collect());
}

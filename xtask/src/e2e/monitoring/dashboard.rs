//! The queries of the dashboard.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::prometheus::Prometheus;
use crate::e2e::cluster::TestCluster;
use crate::generated::read;

const FILE: &str = "helm/films/files/dashboard.json";
/// At least four scrapes, as Grafana computes it.
const RATE_INTERVAL: &str = "20s";

/// Returns the queries of all panels, each with the title of its panel, for the release in this namespace.
pub(super) fn queries(cluster: &TestCluster) -> Result<Vec<(String, String)>> {
    let queries = of_panels(&serde_json::from_str(&read(FILE)?)?, &cluster.namespace);
    ensure!(!queries.is_empty(), "{FILE} has no query");
    Ok(queries)
}

fn of_panels(dashboard: &Value, namespace: &str) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let queries = panels.flat_map(|panel| {
        let title = panel["title"].as_str().unwrap_or_default();
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.filter_map(move |target| Some((title.to_owned(), target["expr"].as_str()?)))
    });
    let concrete = |query: &str| {
        let query = query.replace("$namespace", namespace).replace("$service", "films-admin");
        query.replace("$__rate_interval", RATE_INTERVAL)
    };
    queries.map(|(title, query)| (title, concrete(query))).collect()
}

/// Fails unless every query returns a number.
pub(super) fn check(prometheus: &Prometheus, queries: &[(String, String)]) -> Result<()> {
    for (title, query) in queries {
        let samples = prometheus.query(query)?;
        ensure!(
            samples.iter().any(is_number),
            "the panel {title} shows nothing: {query} returns {samples:?}"
        );
    }
    Ok(())
}

/// Prometheus returns a value as text, after its time. A quotient of two zeros is `NaN`.
fn is_number(sample: &Value) -> bool {
    sample["value"][1].as_str().and_then(|value| value.parse().ok()).is_some_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_have_no_variables_left() {
        let expr = "rate(a{namespace=\"$namespace\", service=\"$service\"}[$__rate_interval])";
        let dashboard = json!({ "panels": [
            { "type": "row", "title": "Row", "panels": [] },
            { "type": "timeseries", "title": "Traffic", "targets": [{ "expr": expr }, { "expr": "up" }] },
        ] });
        let expected = "rate(a{namespace=\"shop\", service=\"films-admin\"}[20s])";
        let queries = of_panels(&dashboard, "shop");
        assert_eq!(queries, [("Traffic", expected), ("Traffic", "up")].map(|(a, b)| (a.into(), b.into())));
    }

    #[test]
    fn a_quotient_of_zeros_is_no_number() {
        let sample = |value| json!({ "metric": {}, "value": [1.0, value] });
        assert!(is_number(&sample("0.5")));
        assert!(!is_number(&sample("NaN")));
        assert!(!is_number(&sample("+Inf")));
    }
}

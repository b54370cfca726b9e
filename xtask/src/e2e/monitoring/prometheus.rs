//! The APIs of Prometheus and Alertmanager.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::Forward;

pub(super) struct Prometheus(Forward);

impl Prometheus {
    pub(super) fn open(cluster: &TestCluster) -> Result<Self> {
        Ok(Self(Forward::to(&cluster.outside, "service/prometheus", 9090)?))
    }

    /// Returns the present samples of a query.
    pub(super) fn query(&self, query: &str) -> Result<Vec<Value>> {
        let data = self.get("query", query, "")?;
        Ok(data["result"].as_array().context("Prometheus returned no list of samples")?.clone())
    }

    /// Returns the alerts that are pending or fire, for a message.
    pub(super) fn alerts(&self) -> Result<Vec<String>> {
        let alert = |sample: &Value| {
            let label = |name: &str| sample["metric"][name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", label("alertname"), label("alertstate"))
        };
        Ok(self.query("ALERTS")?.iter().map(alert).collect())
    }

    /// Returns the exemplars of a query's series, from this time on, in seconds since 1970.
    pub(super) fn exemplars(&self, query: &str, since: u64) -> Result<Vec<Value>> {
        let series = self.get("query_exemplars", query, &format!("&start={since}"))?;
        let series = series.as_array().context("Prometheus returned no list of series")?;
        Ok(series.iter().filter_map(|series| series["exemplars"].as_array()).flatten().cloned().collect())
    }

    fn get(&self, path: &str, query: &str, more: &str) -> Result<Value> {
        let text = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let response = self.0.get(&format!("/api/v1/{path}?query={text}{more}"))?.json();
        Ok(response.with_context(|| query.to_owned())?["data"].take())
    }
}

pub(super) struct Alertmanager(Forward);

impl Alertmanager {
    pub(super) fn open(cluster: &TestCluster) -> Result<Self> {
        Ok(Self(Forward::to(&cluster.outside, "service/alertmanager", 9093)?))
    }

    /// Returns the names of the alerts that fire.
    pub(super) fn firing(&self) -> Result<BTreeSet<String>> {
        names(&self.0.get("/api/v2/alerts?active=true")?.json()?)
    }
}

fn names(alerts: &Value) -> Result<BTreeSet<String>> {
    let alerts = alerts.as_array().context("Alertmanager returned no list of alerts")?;
    let name = |alert: &Value| {
        let name = alert["labels"]["alertname"].as_str();
        name.map(str::to_owned).with_context(|| format!("an alert has no name: {alert}"))
    };
    alerts.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_alert_is_named_once() -> Result<()> {
        let alert = |name| json!({ "labels": { "alertname": name } });
        let found = names(&json!([alert("B"), alert("A"), alert("B")]))?;
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(names(&json!({})).unwrap_err().to_string(), "Alertmanager returned no list of alerts");
        assert!(names(&json!([{}])).is_err());
        Ok(())
    }
}

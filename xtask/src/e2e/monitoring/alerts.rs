//! The alerts that reached Alertmanager.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::{Forward, Response};

/// An Alertmanager in the cluster.
pub(super) struct Alertmanager(Forward);

impl Alertmanager {
    pub(super) fn open(cluster: &TestCluster) -> Result<Self> {
        Ok(Self(Forward::to(&cluster.outside, "service/alertmanager", 9093)?))
    }

    /// Returns the names of the alerts that fire.
    pub(super) fn firing(&self) -> Result<BTreeSet<String>> {
        let Response { status, body } = self.0.get("/api/v2/alerts?active=true")?;
        ensure!(status == 200, "Alertmanager returned {status}: {body}");
        names(&serde_json::from_str(&body)?)
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

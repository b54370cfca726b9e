//! The API of Prometheus.

use anyhow::{Context, Result, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::{Forward, Response};

/// A Prometheus in the cluster.
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
        let Response { status, body } = self.0.get(&format!("/api/v1/{path}?query={text}{more}"))?;
        ensure!(status == 200, "Prometheus returned {status} for {query}: {body}");
        let mut response: Value = serde_json::from_str(&body)?;
        Ok(response["data"].take())
    }
}

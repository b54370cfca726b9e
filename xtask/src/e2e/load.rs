//! A constant load from a pod in another namespace, through the Service as all clients.

use std::thread;
use std::time::Duration;

use ::loadtest::k6;
use anyhow::{Context, Result, ensure};

use super::client::Client;
use super::cluster::TestCluster;

/// Requests of all kinds, at a constant rate.
pub(super) struct Load {
    /// Where the requests go.
    pub(super) url: String,
    pub(super) rate: u64,
    pub(super) seconds: u64,
}

impl Load {
    /// Returns a load on the Service of the release.
    pub(super) fn on_release(cluster: &TestCluster, seconds: u64) -> Self {
        Self { url: format!("http://films.{}:5000", cluster.namespace), rate: 100, seconds }
    }

    /// Sends requests, calls `disturb` meanwhile, and fails if a client noticed anything.
    pub(super) fn during(
        &self,
        cluster: &TestCluster,
        disturb: impl FnOnce() -> Result<()>,
    ) -> Result<String> {
        let client = self.start(cluster)?;
        // k6 needs a moment before it sends the first request.
        thread::sleep(Duration::from_secs(2));
        disturb()?;
        client.expect_phase(&["Running"]).context("the change must take less time than the load")?;
        client.wait(Duration::from_secs(self.seconds + 30))?;
        let log = client.log()?;
        client.stop()?;
        self.check(&log)
    }

    /// Starts to send requests, whatever the responses are.
    pub(super) fn start<'a>(&self, cluster: &'a TestCluster) -> Result<Client<'a>> {
        let command = ["k6", "run", "--quiet", "--no-usage-report", "/workloads/films.js"];
        let env = [
            ("BASE_URL", self.url.clone()),
            ("RATE", self.rate.to_string()),
            ("SECONDS", self.seconds.to_string()),
            ("CONNECTIONS", "100".to_owned()),
            // A rollout breaks new connections in other ways than open ones.
            ("NEW_CONNECTIONS", "0.5".to_owned()),
        ];
        Client::start(cluster, "load", &cluster.images.loadtest, "", &command, &env)
    }

    /// Checks that every request of the load was sent and succeeded.
    fn check(&self, log: &str) -> Result<String> {
        let Self { rate, seconds, .. } = self;
        let summary = log.lines().find(|line| line.starts_with('{'));
        let summary = summary.with_context(|| format!("the load ended without a summary:\n{log}"))?;
        let load = k6::parse(summary, *seconds)?;
        let counts = format!(
            "{} requests, {} failed, {} not sent, p99 {:.0} ms, max {:.0} ms",
            load.requests, load.errors.status, load.dropped, load.latency_ms.p99, load.latency_ms.max
        );
        ensure!(
            load.errors.status == 0 && load.dropped == 0 && load.requests >= rate * seconds * 9 / 10,
            "expected {rate} requests a second for {seconds} s and no failure, got {counts}\n{}",
            log.lines().filter(|line| line.contains("level=")).take(10).collect::<Vec<_>>().join("\n")
        );
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn log(failed: u64, count: u64) -> String {
        let metrics = json!({
            "http_reqs": { "values": { "count": count, "rate": 100.0 } },
            "http_req_failed": { "values": { "passes": failed } },
            "http_req_duration": { "values": {
                "avg": 1.0, "med": 1.0, "p(90)": 1.0, "p(99)": 2.0, "p(99.9)": 3.0, "max": 4.0,
            } },
        });
        let summary = json!({ "metrics": metrics });
        format!("time=1 level=error msg=\"GET /films/1/: 503\"\n{summary}\ntime=2 level=info\n")
    }

    #[test]
    fn every_request_must_be_sent_and_succeed() -> Result<()> {
        let load = Load { url: String::new(), rate: 100, seconds: 10 };
        assert_eq!(load.check(&log(0, 1000))?, "1000 requests, 0 failed, 0 not sent, p99 2 ms, max 4 ms");
        for (log, expected) in [
            (log(1, 1000), "1 failed"),
            (log(1, 1000), "GET /films/1/: 503"),
            (log(0, 800), "800 requests"),
            ("level=error".to_owned(), "the load ended without a summary"),
        ] {
            let error = load.check(&log).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        Ok(())
    }
}

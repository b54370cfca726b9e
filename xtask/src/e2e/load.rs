//! A constant load from a pod in another namespace, through the Service as all clients.

use std::thread;
use std::time::Duration;

use ::loadtest::k6;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cluster::{TestCluster, kubectl};

const POD: &str = "load";

/// Requests of all kinds, at a constant rate.
pub(super) struct Load {
    /// Where the requests go.
    pub(super) url: String,
    /// Requests a second.
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
        self.in_background(cluster)?;
        // k6 needs a moment before it sends the first request.
        thread::sleep(Duration::from_secs(2));
        disturb()?;
        expect_phase(cluster, "Running").context("the change must take less time than the load")?;
        let timeout = Duration::from_secs(self.seconds + 30);
        cluster.until(timeout, "the load to end", || expect_phase(cluster, "Succeeded"))?;
        let log = cluster.output(kubectl(&cluster.outside).args(["logs", POD]))?;
        stop(cluster)?;
        self.check(&log)
    }

    /// Sends requests, whatever the responses are.
    pub(super) fn in_background(&self, cluster: &TestCluster) -> Result<()> {
        stop(cluster)?;
        cluster.apply(&self.pod(cluster))?;
        cluster.until(Duration::from_mins(1), "the load to begin", || expect_phase(cluster, "Running"))
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

    fn pod(&self, cluster: &TestCluster) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": POD, "namespace": cluster.outside, "labels": { "app.kubernetes.io/instance": POD }
            },
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": POD,
                    "image": cluster.images.loadtest,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["k6", "run", "--quiet", "--no-usage-report", "/workloads/films.js"],
                    "env": [
                        { "name": "BASE_URL", "value": self.url },
                        { "name": "RATE", "value": self.rate.to_string() },
                        { "name": "SECONDS", "value": self.seconds.to_string() },
                        { "name": "CONNECTIONS", "value": "100" },
                        // A rollout breaks new connections in other ways than open ones.
                        { "name": "NEW_CONNECTIONS", "value": "0.5" },
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                }],
            },
        })
    }
}

/// Ends the load, if there is one.
pub(super) fn stop(cluster: &TestCluster) -> Result<()> {
    let delete = ["delete", "pod", POD, "--ignore-not-found", "--now"];
    cluster.output(kubectl(&cluster.outside).args(delete)).map(drop)
}

fn expect_phase(cluster: &TestCluster, expected: &str) -> Result<()> {
    let phase = ["get", "pod", POD, "--output=jsonpath={.status.phase}"];
    let phase = cluster.output(kubectl(&cluster.outside).args(phase))?;
    ensure!(
        phase == expected,
        "the load's pod is {phase}: kubectl --namespace {} logs {POD}",
        cluster.outside
    );
    Ok(())
}

#[cfg(test)]
mod tests {
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

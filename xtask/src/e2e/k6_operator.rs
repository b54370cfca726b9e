//! Runs the load test as a `TestRun` of the k6 operator, whose thresholds decide whether it passed.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cluster::{TestCluster, expect_kind, has_condition};

const TIMEOUT: Duration = Duration::from_mins(3);
const RUNNERS: usize = 2;
const VALUES: [&str; 5] = [
    "loadtest.enabled=true",
    "loadtest.k6Operator.enabled=true",
    "loadtest.k6Operator.parallelism=2",
    "loadtest.storeReviews=true",
    "loadtest.seconds=15",
];
/// Two users cannot wait for so many responses, so requests are not sent, which `slo` does not allow.
const IMPOSSIBLE: [&str; 3] = ["loadtest.workload=slo", "loadtest.rate=5000", "loadtest.connections=2"];
const POSSIBLE: [&str; 3] = ["loadtest.workload=soak", "loadtest.rate=20", "loadtest.connections=20"];

/// What became of a `TestRun`.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Every runner succeeded.
    Passed,
    /// A threshold did not hold.
    Failed,
}

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    expect_kind(cluster, "testruns.k6.io", "the k6 operator")?;
    for (name, values, expected) in [
        ("TestRun with thresholds that hold", POSSIBLE, Verdict::Passed),
        ("TestRun with thresholds that cannot hold", IMPOSSIBLE, Verdict::Failed),
    ] {
        cluster.step(name, || {
            cluster.upgrade(&[&VALUES[..], &values].concat())?;
            let (test_run, verdict) = cluster.until(TIMEOUT, "the end of the TestRun", || verdict(cluster))?;
            ensure!(
                verdict == expected,
                "expected {expected:?}, found {verdict:?}: kubectl --namespace {} logs --selector k6_cr={test_run}",
                cluster.namespace
            );
            Ok(format!("{verdict:?}, by {RUNNERS} runners"))
        })?;
    }
    // Without the TestRun, a later scenario measures nothing else.
    cluster.upgrade(&[])
}

/// Returns the name of the latest `TestRun` and its result, as soon as it has ended.
///
/// A `TestRun` whose thresholds fail also ends with the stage `finished`, so the result is that of its Jobs.
fn verdict(cluster: &TestCluster) -> Result<(String, Verdict)> {
    let runs = cluster.get(&["testruns.k6.io"])?;
    let [run] = runs["items"].as_array().map_or(&[][..], Vec::as_slice) else {
        bail!("expected one TestRun, found {runs}");
    };
    let name = run["metadata"]["name"].as_str().context("the TestRun has no name")?;
    let stage = &run["status"]["stage"];
    ensure!(stage == "finished" || stage == "error", "the stage of {name} is {stage}");
    let jobs = cluster.get(&["jobs", &format!("--selector=k6_cr={name},runner=true")])?;
    Ok((name.to_owned(), of_jobs(&jobs)?))
}

fn of_jobs(jobs: &Value) -> Result<Verdict> {
    let jobs = jobs["items"].as_array().context("kubectl returned no list of Jobs")?;
    ensure!(jobs.len() == RUNNERS, "expected {RUNNERS} runners, found {}", jobs.len());
    let has_failed = |job: &Value| has_condition(job, "Failed");
    let has_ended = |job: &Value| has_condition(job, "Complete") || has_failed(job);
    ensure!(jobs.iter().all(has_ended), "a runner has not ended");
    Ok(if jobs.iter().any(has_failed) { Verdict::Failed } else { Verdict::Passed })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_failed_runner_fails_the_test() -> Result<()> {
        let job = |kind: &str| json!({ "status": { "conditions": [{ "type": kind, "status": "True" }] } });
        let jobs = |kinds: [&str; RUNNERS]| json!({ "items": kinds.map(job) });
        assert_eq!(of_jobs(&jobs(["Complete", "Complete"]))?, Verdict::Passed);
        assert_eq!(of_jobs(&jobs(["Complete", "Failed"]))?, Verdict::Failed);
        assert!(of_jobs(&jobs(["Complete", "Suspended"])).is_err(), "a runner has not ended");
        assert!(of_jobs(&json!({ "items": [] })).is_err(), "there is no runner");
        Ok(())
    }
}

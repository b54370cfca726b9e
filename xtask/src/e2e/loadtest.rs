//! The load test's Job, whose report outlives its pod.

use std::fs;
use std::time::Duration;

use ::loadtest::result::Run;
use ::loadtest::workload::Workload;
use anyhow::{Context, Result, bail, ensure};

use super::cluster::TestCluster;
use crate::baselines;
use crate::cargo;

/// A few servers, three routes, the shortest rounds.
const TIMEOUT: Duration = Duration::from_mins(5);
const JOB: &str = "--selector=app.kubernetes.io/component=loadtest";
const ROUNDS: usize = 2;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("load test", || {
        let rounds = format!("loadtest.rounds={ROUNDS}");
        cluster.upgrade(&["loadtest.enabled=true", &rounds, "loadtest.seconds=1", "loadtest.warmup=1"])?;
        let job = cluster.until(TIMEOUT, "the end of the Job", || finished(cluster))?;
        let log = cluster.kubectl(&["logs", &format!("job/{job}")])?;
        let table: Vec<_> = log.lines().rev().take_while(|line| line.starts_with('|')).collect();
        ensure!(
            table.iter().any(|row| row.starts_with("| films |")),
            "expected the table at the end of the Job's log:\n{log}"
        );
        check_report(cluster)
    })
}

/// Returns the name of the Job if it is complete.
fn finished(cluster: &TestCluster) -> Result<String> {
    let jobs = cluster.get(&["jobs", JOB])?;
    let job = &jobs["items"][0];
    let name = job["metadata"]["name"].as_str().context("there is no Job")?;
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    let is = |kind: &str| conditions.clone().any(|one| one["type"] == kind && one["status"] == "True");
    if is("Failed") {
        bail!("{name} failed: kubectl --namespace {} logs job/{name}", cluster.namespace);
    }
    ensure!(is("Complete"), "{name} is still running");
    Ok(name.to_owned())
}

/// Reads the report from its `ConfigMap`, with the load test's program and library.
fn check_report(cluster: &TestCluster) -> Result<String> {
    let map = cluster.get(&["configmap", "films-loadtest-report"])?;
    let file = |name: &str| map["data"][name].as_str().with_context(|| format!("the report has no {name}"));
    ensure!(file("report.html")?.contains("</html>"), "expected a complete page in report.html");
    ensure!(file("report.md")?.contains("| films"), "expected a row for films in report.md");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("result.json");
    fs::write(&path, file("result.json")?)?;
    let mut report = cargo::cargo();
    report.args(["run", "--quiet", "--package", "loadtest", "--", "report"]).arg(&path);
    cluster.output(report.current_dir(cargo::workspace()))?;

    let rows = Run::load(&path)?.rows;
    for row in &rows {
        let rounds = row.rounds.len();
        ensure!(rounds == ROUNDS, "expected {ROUNDS} rounds of {} {}, found {rounds}", row.target, row.route);
    }
    let servers = 1 + baselines::all()?.values().filter(|baseline| baseline.in_cluster).count();
    let routes = Workload::find("article")?.routes().len();
    ensure!(
        rows.len() == servers * routes,
        "expected {routes} routes of {servers} servers, found {} rows",
        rows.len()
    );
    Ok(format!("the Job is complete; its report has {} rows", rows.len()))
}

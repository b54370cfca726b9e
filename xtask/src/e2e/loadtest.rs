//! The load test's Job: from the release's values to a report that outlives its pod.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::stage::Stage;
use crate::cargo;

/// Four servers, three routes, rounds as short as they can be.
const PATIENCE: Duration = Duration::from_mins(5);
const JOB: &str = "--selector=app.kubernetes.io/component=loadtest";

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("load test", || {
        stage.upgrade(&[
            "loadtest.enabled=true",
            "loadtest.rounds=2",
            "loadtest.seconds=1",
            "loadtest.warmup=1",
        ])?;
        let job = stage.until(PATIENCE, "the Job to end", || ended(stage))?;
        let log = stage.kubectl(&["logs", &format!("job/{job}")])?;
        let table: Vec<_> = log.lines().rev().take_while(|line| line.starts_with('|')).collect();
        ensure!(
            table.iter().any(|row| row.starts_with("| films |")),
            "expected the Job's log to end with the table, saw:\n{log}"
        );
        report(stage)
    })
}

/// The name of the Job that has done its work.
fn ended(stage: &Stage) -> Result<String> {
    let jobs = stage.get(&["jobs", JOB])?;
    let job = &jobs["items"][0];
    let name = job["metadata"]["name"].as_str().context("there is no Job")?;
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    let is = |kind: &str| conditions.clone().any(|one| one["type"] == kind && one["status"] == "True");
    if is("Failed") {
        bail!("{name} failed: kubectl --namespace {} logs job/{name}", stage.namespace);
    }
    ensure!(is("Complete"), "{name} is still running");
    Ok(name.to_owned())
}

/// Takes the report out of the cluster, and lets the load test's own program read it.
fn report(stage: &Stage) -> Result<String> {
    let map = stage.get(&["configmap", "films-loadtest-report"])?;
    let file = |name: &str| map["data"][name].as_str().with_context(|| format!("the report has no {name}"));
    ensure!(file("report.html")?.contains("</html>"), "expected a whole page in report.html");
    ensure!(file("report.md")?.contains("| films"), "expected films' row in report.md");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("result.json");
    fs::write(&path, file("result.json")?)?;
    let mut read = cargo::cargo();
    read.args(["run", "--quiet", "--package", "loadtest", "--", "report"]).arg(&path);
    stage.run(read.current_dir(cargo::workspace()))?;
    let result: Value = serde_json::from_str(file("result.json")?)?;
    let rows = result["rows"].as_array().context("the result has no rows")?;
    for row in rows {
        let rounds = row["rounds"].as_array().map_or(0, Vec::len);
        ensure!(rounds == 2, "expected two rounds of {} {}, saw {rounds}", row["target"], row["route"]);
    }
    ensure!(rows.len() == 12, "expected three routes of four servers, saw {} rows", rows.len());
    Ok(format!("the Job ended well; its report has {} rows", rows.len()))
}

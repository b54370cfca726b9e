//! The load test's Job, which leaves the release alone and whose report outlives its pod.

use std::fs;
use std::time::Duration;

use ::loadtest::result::{Row, Run};
use ::loadtest::workload::Workload;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cluster::{TestCluster, has_condition};
use super::install::pods;
use super::uninstall::reviews;
use crate::baselines;
use crate::cargo;

/// A few servers, three routes, the shortest rounds.
const TIMEOUT: Duration = Duration::from_mins(5);
const JOB: &str = "--selector=app.kubernetes.io/component=loadtest";
const REPORT: &str = "configmap/films-loadtest-report";
const ROUNDS: usize = 2;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    // Without the values of earlier scenarios, the pods are those that the last step expects.
    cluster.upgrade(&[])?;
    let release = || Ok::<_, anyhow::Error>((pods(cluster)?, reviews(cluster)?));
    let before = release()?;
    cluster.step("load test", || {
        let rounds = format!("loadtest.rounds={ROUNDS}");
        cluster.upgrade(&["loadtest.enabled=true", &rounds, "loadtest.seconds=1", "loadtest.warmup=1"])?;
        let job = cluster.until(TIMEOUT, "the end of the Job", || finished(cluster))?;
        let log = cluster.kubectl(&["logs", &format!("job/{job}"), "--container=loadtest"])?;
        let table: Vec<_> = log.lines().rev().take_while(|line| line.starts_with('|')).collect();
        ensure!(
            table.iter().any(|row| row.starts_with("| films |")),
            "expected the table at the end of the Job's log:\n{log}"
        );
        check_report(cluster)
    })?;
    cluster.step("without the load test", || {
        cluster.upgrade(&["loadtest.enabled=false"])?;
        let jobs = cluster.get(&["jobs,cronjobs", JOB])?;
        ensure!(jobs["items"].as_array().is_some_and(Vec::is_empty), "expected no Job, found {jobs}");
        let after = release()?;
        ensure!(after == before, "expected the pods and the reviews {before:?}, found {after:?}");
        file(&report(cluster)?, "result.json")?;
        // As the notes say. The scenario of an uninstallation expects nothing else to be left.
        cluster.kubectl(&["delete", REPORT])?;
        Ok("the report stays; the pods are the same, and no review was added".to_owned())
    })
}

/// Returns the name of the Job if it is complete.
fn finished(cluster: &TestCluster) -> Result<String> {
    let jobs = cluster.get(&["jobs", JOB])?;
    let job = &jobs["items"][0];
    let name = job["metadata"]["name"].as_str().context("there is no Job")?;
    if has_condition(job, "Failed") {
        bail!("{name} failed: kubectl --namespace {} logs job/{name}", cluster.namespace);
    }
    ensure!(has_condition(job, "Complete"), "{name} is still running");
    Ok(name.to_owned())
}

fn report(cluster: &TestCluster) -> Result<Value> {
    cluster.get(&[REPORT])
}

fn file<'a>(report: &'a Value, name: &str) -> Result<&'a str> {
    report["data"][name].as_str().with_context(|| format!("the report has no {name}"))
}

/// Reads the report from its `ConfigMap`, with the load test's program and library.
fn check_report(cluster: &TestCluster) -> Result<String> {
    let report = report(cluster)?;
    ensure!(file(&report, "report.html")?.contains("</html>"), "expected a complete page in report.html");
    ensure!(file(&report, "report.md")?.contains("| films"), "expected a row for films in report.md");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("result.json");
    fs::write(&path, file(&report, "result.json")?)?;
    let mut show = cargo::cargo();
    show.args(["run", "--quiet", "--package", "loadtest", "--", "report"]).arg(&path);
    cluster.output(show.current_dir(cargo::workspace()))?;

    let run = Run::load(&path)?;
    let own = format!("result-{}.json", run.started.replace(['-', ':'], ""));
    ensure!(file(&report, &own)? == file(&report, "result.json")?, "expected the latest result in {own}");
    run.rows.iter().try_for_each(check_row)?;
    let baselines = baselines::all()?.values().filter(|baseline| baseline.in_cluster).count();
    let routes = Workload::find("article")?.routes().len();
    // The baselines, films, and the reference a second time.
    let targets = baselines + 2;
    ensure!(
        run.rows.len() == targets * routes,
        "expected {routes} routes of {targets} targets, found {} rows",
        run.rows.len()
    );
    Ok(format!("the Job is complete; its report has {} rows", run.rows.len()))
}

/// Checks that every round took place, and that the resources of the server and of Postgres are known. A
/// single round may lack them, because a process can end while it is read.
fn check_row(row: &Row) -> Result<()> {
    let (name, rounds) = (format!("{} {}", row.target, row.route), row.rounds.len());
    ensure!(rounds == ROUNDS, "expected {ROUNDS} rounds of {name}, found {rounds}");
    let has_server = row.rounds.iter().any(|round| round.server.is_some());
    ensure!(has_server, "expected the CPU time and memory of {name}, found none");
    let has_postgres = row.rounds.iter().any(|round| round.observed_cores.contains_key("postgres"));
    ensure!(has_postgres, "expected the cores of postgres during {name}, found none");
    Ok(())
}

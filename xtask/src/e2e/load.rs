//! A constant load from outside: a pod in another namespace, through the Service like anybody's.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;

use super::stage::{Stage, kubectl};

const SCRIPT: &str = include_str!("load.js");
/// Requests a second.
const RATE: u64 = 100;
const POD: &str = "load";

/// What came of a load.
#[derive(Debug, Deserialize)]
pub(super) struct Counts {
    requests: u64,
    failed: u64,
    unsent: u64,
    p99_ms: f64,
    max_ms: f64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, failed, unsent, p99_ms, max_ms } = self;
        write!(
            f,
            "{requests} requests, {failed} failed, {unsent} not sent, p99 {p99_ms:.0} ms, max {max_ms:.0} ms"
        )
    }
}

/// Sends requests for so long, does `disturb` meanwhile, and fails if that was seen from outside.
pub(super) fn under_load(
    stage: &Stage,
    seconds: u64,
    disturb: impl FnOnce() -> Result<()>,
) -> Result<Counts> {
    start(stage, seconds)?;
    stage.until(Duration::from_mins(1), "the load to begin", || expect_phase(stage, "Running"))?;
    // A while of quiet before, so that what is measured has begun.
    std::thread::sleep(Duration::from_secs(2));
    disturb()?;
    expect_phase(stage, "Running")
        .context("it took longer than the load; expected to be done before the load ends")?;
    let patience = Duration::from_secs(seconds + 30);
    stage.until(patience, "the load to end", || expect_phase(stage, "Succeeded"))?;
    let log = stage.run(kubectl(&stage.outside).args(["logs", POD]))?;
    delete(stage)?;
    let counts = counts(&log)?;
    ensure!(
        counts.failed == 0 && counts.unsent == 0 && counts.requests >= RATE * seconds * 9 / 10,
        "expected {RATE} requests a second for {seconds} s and none to fail, saw {counts}\n{}",
        log.lines().filter(|line| line.contains("level=error")).take(10).collect::<Vec<_>>().join("\n")
    );
    Ok(counts)
}

fn start(stage: &Stage, seconds: u64) -> Result<()> {
    delete(stage)?;
    let metadata = json!({
        "name": POD, "namespace": stage.outside, "labels": { "app.kubernetes.io/instance": POD }
    });
    stage.apply(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "load.js": SCRIPT }
    }))?;
    stage.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "volumes": [{ "name": "script", "configMap": { "name": POD } }],
            "containers": [{
                "name": POD,
                "image": stage.images.generator,
                "imagePullPolicy": "IfNotPresent",
                "command": ["k6", "run", "--quiet", "--no-usage-report", "/script/load.js"],
                "env": [
                    { "name": "BASE_URL", "value": format!("http://films.{}:5000", stage.namespace) },
                    { "name": "RATE", "value": RATE.to_string() },
                    { "name": "SECONDS", "value": seconds.to_string() },
                ],
                "volumeMounts": [{ "name": "script", "mountPath": "/script" }],
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))
}

fn delete(stage: &Stage) -> Result<()> {
    let delete = ["delete", "pod,configmap", POD, "--ignore-not-found", "--now"];
    stage.run(kubectl(&stage.outside).args(delete)).map(drop)
}

fn expect_phase(stage: &Stage, expected: &str) -> Result<()> {
    let phase =
        stage.run(kubectl(&stage.outside).args(["get", "pod", POD, "--output=jsonpath={.status.phase}"]))?;
    if phase != expected {
        bail!("the load's pod is {phase}: kubectl --namespace {} logs {POD}", stage.outside);
    }
    Ok(())
}

fn counts(log: &str) -> Result<Counts> {
    let summary = log.lines().find_map(|line| line.strip_prefix("summary: "));
    let summary = summary.with_context(|| format!("the load ended without a summary:\n{log}"))?;
    Ok(serde_json::from_str(summary)?)
}

//! Each fault of the switch, until its alert has arrived at Alertmanager and is resolved again.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::faults::{Switch, trials};
use super::prometheus::{Alertmanager, Prometheus};
use super::{dashboard, traces};
use crate::e2e::cluster::TestCluster;
use crate::e2e::load::Load;

const PROGRAMS: &str = include_str!("programs.yaml");
/// Values of the chart. The alerts are the same as everywhere, with shorter windows and hold times.
const VALUES: [&str; 26] = [
    "jaeger.enabled=true",
    "collector.enabled=true",
    "collector.config.processors.tail_sampling.decision_wait=3s",
    "collector.config.exporters.debug.verbosity=detailed",
    "dashboard.enabled=true",
    "faults.enabled=true",
    "monitoring.rulesConfigMap.enabled=true",
    "monitoring.objectives.latencyThreshold=1s",
    "monitoring.burnRates.fast.long=30s",
    "monitoring.burnRates.fast.short=15s",
    "monitoring.burnRates.fast.for=4s",
    "monitoring.burnRates.medium.long=40s",
    "monitoring.burnRates.medium.short=20s",
    "monitoring.burnRates.medium.for=4s",
    "monitoring.burnRates.slow.long=50s",
    "monitoring.burnRates.slow.short=25s",
    "monitoring.burnRates.slow.for=4s",
    "monitoring.alerts.unready.for=4s",
    "monitoring.alerts.databaseUnreachable.for=4s",
    "monitoring.alerts.queriesFail.window=20s",
    "monitoring.alerts.poolExhausted.for=4s",
    "monitoring.alerts.writerWaits.window=20s",
    "monitoring.alerts.writerWaits.for=4s",
    "monitoring.alerts.readinessFlaps.window=20s",
    "monitoring.alerts.queueNearLimit.for=4s",
    "monitoring.alerts.connectionsOverBudget.for=4s",
];
/// Longer than all steps together.
const LOAD_SECONDS: u64 = 1800;
const TIMEOUT: Duration = Duration::from_mins(3);
/// Longer than every window of the values.
const QUIET: Duration = Duration::from_mins(1);

pub(in crate::e2e) fn run(cluster: &TestCluster) -> Result<()> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    cluster.step("monitoring", || {
        let admitted =
            r"networkPolicy.monitoring[0].namespaceSelector.matchLabels.kubernetes\.io/metadata\.name=";
        cluster.upgrade(&[VALUES.as_slice(), &[&format!("{admitted}{}", cluster.outside)]].concat())?;
        start_programs(cluster)?;
        Ok("films, Jaeger, the Collector, Prometheus and Alertmanager are ready".to_owned())
    })?;
    let load = Load::on_release(cluster, LOAD_SECONDS).start(cluster)?;
    let (prometheus, alertmanager) = (Prometheus::open(cluster)?, Alertmanager::open(cluster)?);
    let queries = dashboard::queries(cluster)?;
    cluster.step("dashboard", || {
        cluster.until(TIMEOUT, "samples of every query", || dashboard::check(&prometheus, &queries))?;
        Ok(format!("all {} queries return samples", queries.len()))
    })?;
    cluster.step("quiet", || expect_quiet(cluster, &alertmanager))?;
    let switch = Switch::open(cluster)?;
    for trial in trials() {
        cluster.step(trial.fault, || switch.try_out(cluster, (&prometheus, &alertmanager), &trial))?;
    }
    cluster.step("exemplar, trace, log line", || {
        cluster.until(TIMEOUT, "a slow request in all three", || traces::follow(cluster, &prometheus, since))
    })?;
    load.stop()
}

/// Starts Prometheus with the rules of the chart, and Alertmanager.
fn start_programs(cluster: &TestCluster) -> Result<()> {
    let rules: Value = cluster.get(&["configmap", "films-rules"])?;
    cluster.apply(&json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "rules", "namespace": cluster.outside },
        "data": rules["data"],
    }))?;
    let programs = PROGRAMS
        .replace("OUTSIDE", &cluster.outside)
        .replace("RELEASE", &cluster.namespace)
        .replace("PROMETHEUS", &cluster.images.prometheus)
        .replace("ALERTMANAGER", &cluster.images.alertmanager);
    cluster.apply_manifests(&programs)?;
    for name in ["prometheus", "alertmanager"] {
        cluster.wait_for_rollout(&cluster.outside, name)?;
    }
    Ok(())
}

/// Waits until the start is over, and expects that no alert fires for a while.
fn expect_quiet(cluster: &TestCluster, alertmanager: &Alertmanager) -> Result<String> {
    let is_quiet = || {
        let firing = alertmanager.firing()?;
        ensure!(firing.is_empty(), "Alertmanager has {firing:?}");
        Ok(())
    };
    cluster.until(TIMEOUT, "no alert after the start", is_quiet)?;
    let since = Instant::now();
    while since.elapsed() < QUIET {
        cluster.signals.check()?;
        is_quiet()?;
        thread::sleep(Duration::from_secs(1));
    }
    Ok(format!("no alert for {} s", QUIET.as_secs()))
}

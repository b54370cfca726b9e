//! The `HorizontalPodAutoscaler`, by a metric of the service.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::cluster::TestCluster;
use super::load::Load;
use super::roles::psql;

const API: &str = "/apis/custom.metrics.k8s.io/v1beta1";
/// The adapter sees a rate a minute late, and the autoscaler looks every 15 s.
const SECONDS: u64 = 180;
/// More than two pods may receive, and what one pod may.
const RATES: [u64; 2] = [100, 5];
const MOST: u64 = 3;
/// `postgres.maxConnections` less `postgres.reservedConnections`.
const BUDGET: u64 = 50;
const CONNECTIONS: &str = "select count(*) from pg_stat_activity where application_name = 'films'";

pub(super) fn run(cluster: &TestCluster, metric: &str) -> Result<()> {
    cluster
        .kubectl(&["get", &format!("--raw={API}")])
        .context("the cluster has no custom metrics: install prometheus-adapter and its Prometheus first")?;
    let mut most_connections = 0;
    cluster.step("autoscaling by requests per second", || {
        cluster.upgrade_with(&json!({
            "autoscaling": {
                "enabled": true,
                "minReplicas": 1,
                "maxReplicas": MOST,
                "metric": "requests",
                "requestsMetric": metric,
                "targetRequestsPerSecond": 30,
                "behavior": { "scaleDown": { "stabilizationWindowSeconds": 15 } },
            },
            "podAnnotations": { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" },
            "postgres": { "maxConnections": 60 },
        }))?;
        wait_for_metric(cluster, metric)
    })?;
    for (rate, expected) in [(RATES[0], MOST), (RATES[1], 1)] {
        cluster.step(&format!("{rate} requests a second"), || {
            let load = Load { rate, ..Load::on_release(cluster, SECONDS) };
            let (mut scaled, mut connections) = (Duration::ZERO, 0);
            let counts = load.during(cluster, || {
                (scaled, connections) = watch(cluster, expected)?;
                Ok(())
            })?;
            most_connections = most_connections.max(connections);
            let scaled = scaled.as_secs_f64();
            Ok(format!(
                "scaled to {expected} after {scaled:.0} s, at most {connections} connections of {BUDGET}; {counts}"
            ))
        })?;
    }
    cluster.step("connection budget", || {
        ensure!(
            (1..=BUDGET).contains(&most_connections),
            "expected 1 to {BUDGET} connections, saw {most_connections}"
        );
        Ok(format!("at most {most_connections} of {BUDGET} connections at once, read every second"))
    })?;
    cluster.upgrade(&[])
}

/// Looks every second until the load is about to end. Returns the time until the expected number of pods were ready,
/// and the most connections of the service at once.
fn watch(cluster: &TestCluster, expected: u64) -> Result<(Duration, u64)> {
    let since = Instant::now();
    let end = Duration::from_secs(SECONDS.saturating_sub(15));
    let (mut last, mut scaled, mut most) = (0, None, 0);
    while since.elapsed() < end {
        cluster.signals.check()?;
        let second = Instant::now() + Duration::from_secs(1);
        most = psql(cluster, "dvdrental", CONNECTIONS)?.parse::<u64>()?.max(most);
        last = ready_pods(cluster)?;
        if last == expected {
            scaled.get_or_insert(since.elapsed());
        }
        thread::sleep(second.saturating_duration_since(Instant::now()));
    }
    let scaled = scaled.filter(|_| last == expected).with_context(|| {
        let namespace = &cluster.namespace;
        format!("expected {expected} pods, found {last}: kubectl --namespace {namespace} describe hpa films")
    })?;
    Ok((scaled, most))
}

/// Returns the number of pods that the Deployment has, all of which are ready.
fn ready_pods(cluster: &TestCluster) -> Result<u64> {
    let deployment = cluster.get(&["deployment/films"])?;
    let number = |key: &str| deployment["status"][key].as_u64().unwrap_or_default();
    Ok(if number("readyReplicas") == number("replicas") { number("replicas") } else { 0 })
}

/// Waits until the adapter serves the metric, which exists after the first requests.
fn wait_for_metric(cluster: &TestCluster, metric: &str) -> Result<String> {
    let load = Load { rate: RATES[1], ..Load::on_release(cluster, SECONDS) }.start(cluster)?;
    let path = format!("--raw={API}/namespaces/{}/pods/*/{metric}", cluster.namespace);
    cluster.until(Duration::from_secs(SECONDS), &format!("the metric {metric}"), || {
        cluster.kubectl(&["get", &path]).map(drop)
    })?;
    load.stop()?;
    Ok(format!("the adapter serves {metric}"))
}

//! The `HorizontalPodAutoscaler`, by a metric of the service.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::cluster::TestCluster;
use super::load::Load;
use super::roles::psql;

/// Options about the custom metric.
#[derive(clap::Args)]
pub(super) struct Metric {
    /// Custom metric of the pods to scale by, in requests per second.
    ///
    /// Its name is what the rules of the adapter make of a metric of the service, here of `films_reads_total`. The
    /// adapter's Prometheus must scrape pods with the annotation `prometheus.io/scrape`.
    #[arg(
        long,
        env = "FILMS_REQUESTS_METRIC",
        default_value = "films_reads_per_second",
        value_name = "NAME"
    )]
    requests_metric: String,
}

const API: &str = "/apis/custom.metrics.k8s.io/v1beta1";
/// The adapter sees a rate a minute late, and the autoscaler looks every 15 s.
const SECONDS: u64 = 180;
/// More than two pods may receive, and what one pod may.
const RATES: [u64; 2] = [100, 5];
const MOST: u64 = 3;
/// `postgres.maxConnections` less `postgres.reservedConnections`.
const BUDGET: u64 = 50;
const CONNECTIONS: &str = "select count(*) from pg_stat_activity where application_name = 'films'";

pub(super) fn run(cluster: &TestCluster, options: &Metric) -> Result<()> {
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
                "requestsMetric": options.requests_metric,
                "targetRequestsPerSecond": 30,
                "behavior": { "scaleDown": { "stabilizationWindowSeconds": 15 } },
            },
            "podAnnotations": { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" },
            "postgres": { "maxConnections": 60 },
        }))?;
        wait_for_metric(cluster, options)
    })?;
    for (rate, expected) in [(RATES[0], MOST), (RATES[1], 1)] {
        cluster.step(&format!("{rate} requests a second"), || {
            let load = Load { rate, ..Load::on_release(cluster, SECONDS) };
            let mut seen = Seen::default();
            let counts = load.during(cluster, || watch(cluster, expected, &mut seen))?;
            most_connections = most_connections.max(seen.connections);
            Ok(format!(
                "scaled to {expected} after {:.0} s, at most {} connections of {BUDGET}; {counts}",
                seen.scaled.as_secs_f64(),
                seen.connections
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

/// What was seen during a load.
#[derive(Default)]
struct Seen {
    /// Time until the expected number of pods were ready.
    scaled: Duration,
    /// Most connections of the service at once.
    connections: u64,
}

/// Looks every second until the load is about to end.
fn watch(cluster: &TestCluster, expected: u64, seen: &mut Seen) -> Result<()> {
    let since = Instant::now();
    let end = Duration::from_secs(SECONDS.saturating_sub(15));
    let mut last = 0;
    while since.elapsed() < end {
        cluster.signals.check()?;
        let second = Instant::now() + Duration::from_secs(1);
        let connections = psql(cluster, "dvdrental", CONNECTIONS)?.parse()?;
        seen.connections = seen.connections.max(connections);
        last = ready_pods(cluster)?;
        if last == expected && seen.scaled.is_zero() {
            seen.scaled = since.elapsed();
        }
        thread::sleep(second.saturating_duration_since(Instant::now()));
    }
    ensure!(
        last == expected && !seen.scaled.is_zero(),
        "expected {expected} pods, found {last}: kubectl --namespace {} describe hpa films",
        cluster.namespace
    );
    Ok(())
}

/// Returns the number of pods that the Deployment has, all of which are ready.
fn ready_pods(cluster: &TestCluster) -> Result<u64> {
    let deployment = cluster.get(&["deployment/films"])?;
    let number = |key: &str| deployment["status"][key].as_u64().unwrap_or_default();
    Ok(if number("readyReplicas") == number("replicas") { number("replicas") } else { 0 })
}

/// Waits until the adapter serves the metric, which exists after the first requests.
fn wait_for_metric(cluster: &TestCluster, options: &Metric) -> Result<String> {
    let load = Load { rate: RATES[1], ..Load::on_release(cluster, SECONDS) }.start(cluster)?;
    let metric = &options.requests_metric;
    let path = format!("--raw={API}/namespaces/{}/pods/*/{metric}", cluster.namespace);
    cluster.until(Duration::from_secs(SECONDS), &format!("the metric {metric}"), || {
        cluster.kubectl(&["get", &path]).map(drop)
    })?;
    load.stop()?;
    Ok(format!("the adapter serves {metric}"))
}

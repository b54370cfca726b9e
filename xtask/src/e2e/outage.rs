//! Postgres goes away and comes back: the service reports it, and recovers without a restart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::TestCluster;
use super::forward::{Forward, Response};
use super::install::{pods, wait_for_routes};

const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("Postgres' pod deleted", || {
        let pod = pods(cluster)?.into_iter().next().context("the service has no pod")?;
        let admin = Forward::to(&cluster.namespace, &format!("pod/{pod}"), 9090)?;
        expect_status(&admin, 200)?;
        let before = restarts(cluster, &pod)?;
        let postgres = "--selector=app.kubernetes.io/component=postgres";
        cluster.kubectl(&["delete", "pod", postgres, "--wait=false"])?;
        let away = cluster.until(TIMEOUT, "503 of /readyz", || expect_status(&admin, 503))?;
        cluster.until(TIMEOUT, "200 of /readyz", || expect_status(&admin, 200))?;
        wait_for_routes(cluster)?;
        let after = restarts(cluster, &pod)?;
        ensure!(after == before, "expected {pod} not to restart, found {} restarts", after - before);
        Ok(format!("/readyz returned {away}, then 200; the same pod responds again"))
    })
}

fn expect_status(admin: &Forward, expected: u16) -> Result<String> {
    let Response { status, body } = admin.get("/readyz")?;
    ensure!(status == expected, "/readyz returned {status}: {body}");
    Ok(format!("{status} {}", body.trim()))
}

fn restarts(cluster: &TestCluster, pod: &str) -> Result<u64> {
    let pod = cluster.get(&["pod", pod])?;
    pod["status"]["containerStatuses"][0]["restartCount"].as_u64().context("no container has a status")
}

//! Postgres goes away and comes back: the service reports it, and recovers without a restart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::TestCluster;
use super::forward::Forward;
use super::install::{pods, restarts, wait_for_routes};

const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("Postgres' pod deleted", || {
        let pod = pods(cluster)?.into_iter().next().context("the service has no pod")?;
        let admin = Forward::to(&cluster.namespace, &format!("pod/{pod}"), 9090)?;
        let expect = |status| admin.get("/readyz")?.expect(status);
        expect(200)?;
        let before = restarts(cluster, &pod)?;
        let postgres = "--selector=app.kubernetes.io/component=postgres";
        cluster.kubectl(&["delete", "pod", postgres, "--wait=false"])?;
        let away = cluster.until(TIMEOUT, "503 of /readyz", || expect(503))?;
        cluster.until(TIMEOUT, "200 of /readyz", || expect(200))?;
        wait_for_routes(cluster)?;
        let after = restarts(cluster, &pod)?;
        ensure!(after == before, "expected {pod} not to restart, found {} restarts", after - before);
        Ok(format!("/readyz returned 503 {}, then 200; the same pod responds again", away.trim()))
    })
}

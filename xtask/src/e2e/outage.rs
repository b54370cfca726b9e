//! Postgres goes away and comes back: the service says so, and recovers by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::forward::Forward;
use super::install::{answers, pods};
use super::stage::Stage;

const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("Postgres' pod deleted", || {
        let pod = pods(stage)?.into_iter().next().context("the service has no pod")?;
        let admin = Forward::to(&stage.namespace, &format!("pod/{pod}"), 9090)?;
        expect_ready(&admin, 200)?;
        let restarts = restarts(stage, &pod)?;
        let postgres = "--selector=app.kubernetes.io/component=postgres";
        stage.kubectl(&["delete", "pod", postgres, "--wait=false"])?;
        let said = stage
            .until(PATIENCE, "/readyz to say that the database is away", || expect_ready(&admin, 503))?;
        stage.until(PATIENCE, "/readyz to say that it is back", || expect_ready(&admin, 200))?;
        answers(stage)?;
        let after = self::restarts(stage, &pod)?;
        ensure!(after == restarts, "expected {pod} to live through it, saw {} restarts", after - restarts);
        Ok(format!("/readyz said {said}, then 200; the same pod answers again"))
    })
}

fn expect_ready(admin: &Forward, expected: u16) -> Result<String> {
    let answer = admin.get("/readyz")?;
    ensure!(answer.status == expected, "saw {}: {}", answer.status, answer.body);
    Ok(format!("{} {}", answer.status, answer.body.trim()))
}

fn restarts(stage: &Stage, pod: &str) -> Result<u64> {
    let pod = stage.get(&["pod", pod])?;
    pod["status"]["containerStatuses"][0]["restartCount"].as_u64().context("no container has a status")
}

//! Another instance becomes the primary by plan, while reviews arrive.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::database::{self, CLUSTER, KIND};
use crate::e2e::cluster::TestCluster;
use crate::e2e::probe::{self, Seen};
use crate::e2e::stream::Stream;

/// Clients try again for longer than a switchover takes.
const STREAM: Stream = Stream { rate: 100, seconds: 60, retry: 45 };
/// What a client may see in a switchover. All of them say that it may try again, or are a lost connection.
const MENDED: [u16; 3] = [0, 503, 504];

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("switchover by plan, under load", || {
        let before = database::reviews(cluster, CLUSTER)?;
        let (old, replicas) = (database::primary(cluster, CLUSTER)?, database::replicas(cluster)?);
        let new = replicas.first().context("the Cluster has no replica")?;
        let changes = probe::start(cluster, &database::connection(cluster)?)?;
        let reviews = STREAM.start(cluster)?;
        thread::sleep(Duration::from_secs(5));
        promote(cluster, new)?;
        let record = STREAM.finish(&reviews)?;
        let seen = Seen::parse(&changes.log()?)?;
        drop(changes);
        database::wait_until_ready(cluster, CLUSTER)?;
        let found = database::primary(cluster, CLUSTER)?;
        ensure!(found == *new, "expected the primary {new}, found {found}");
        let statuses = record.statuses();
        ensure!(
            record.given_up() == 0 && statuses.keys().all(|status| *status == 200 || MENDED.contains(status)),
            "expected every review to be acknowledged after retries, but {} were not; statuses {statuses:?}",
            record.given_up()
        );
        let counts = record.check(&before, &database::reviews(cluster, CLUSTER)?)?;
        Ok(format!(
            "{old} to {new}; {:.1} s without a review, {:.1} s without a commit by SQL; every review acknowledged \
             after retries; {counts}; {}",
            record.gap().as_secs_f64(),
            seen.gap().as_secs_f64(),
            seen.check()?
        ))
    })
}

/// Does what `kubectl cnpg promote` does, which not every machine has.
fn promote(cluster: &TestCluster, pod: &str) -> Result<()> {
    let patch = json!({ "status": {
        "targetPrimary": pod,
        "phase": "Switchover in progress",
        "phaseReason": format!("Switching over to {pod}"),
    } });
    let object = format!("{KIND}/{CLUSTER}");
    let patch = patch.to_string();
    cluster.kubectl(&["patch", &object, "--subresource=status", "--type=merge", "--patch", &patch]).map(drop)
}

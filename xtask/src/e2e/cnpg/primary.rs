//! Another instance becomes the primary while reviews arrive: because the old one is killed, and by plan.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::database::{self, CLUSTER, KIND};
use crate::e2e::cluster::TestCluster;
use crate::e2e::install::{pods, restarts};
use crate::e2e::probe::{self, Seen};
use crate::e2e::record::{Counts, Record};
use crate::e2e::stream::Stream;

const FAILOVER: Stream = Stream { rate: 100, seconds: 75, retry: 0 };
/// Clients try again for longer than a switchover takes.
const SWITCHOVER: Stream = Stream { rate: 100, seconds: 60, retry: 45 };
/// Longest time without a review. Far longer than the operator needs, and shorter than the rest of the stream.
const LONGEST: Duration = Duration::from_mins(1);
/// What a client may see in a switchover. All of them say that it may try again, or are a lost connection.
const MENDED: [u16; 3] = [0, 503, 504];

pub(super) fn kill(cluster: &TestCluster) -> Result<()> {
    cluster.step("primary killed by force, under load", || {
        let restarts_before = all_restarts(cluster)?;
        let change = Change::during(cluster, &FAILOVER, |old| {
            cluster.kubectl(&["delete", "pod", old, "--grace-period=0", "--force", "--wait=false"]).map(drop)
        })?;
        let Change { old, new, record, .. } = &change;
        ensure!(new != old, "expected another primary than {old}");
        ensure!(
            record.gap() < LONGEST,
            "expected reviews to be acknowledged again within {LONGEST:?}, found {:?} without: kubectl --namespace {} \
             get clusters.postgresql.cnpg.io",
            record.gap(),
            cluster.namespace
        );
        let restarts = all_restarts(cluster)?;
        ensure!(restarts == restarts_before, "expected no restart of the service, found {restarts:?}");
        Ok(format!(
            "{old} killed, {new} promoted; slowest request {:.1} s; no pod of the service restarted; {}",
            record.slowest().as_secs_f64(),
            change.check(cluster)?
        ))
    })
}

/// Makes a replica the primary, as an operator would do it.
pub(super) fn switch_over(cluster: &TestCluster) -> Result<()> {
    cluster.step("switchover by plan, under load", || {
        let replicas = database::replicas(cluster)?;
        let expected = replicas.first().context("the Cluster has no replica")?;
        let change = Change::during(cluster, &SWITCHOVER, |_| promote(cluster, expected))?;
        let Change { old, new, record, .. } = &change;
        ensure!(new == expected, "expected the primary {expected}, found {new}");
        let statuses = record.statuses();
        ensure!(
            record.given_up() == 0 && statuses.keys().all(|status| *status == 200 || MENDED.contains(status)),
            "expected every review to be acknowledged after retries, but {} were not; statuses {statuses:?}",
            record.given_up()
        );
        let words = change.check(cluster)?;
        Ok(format!("{old} to {new}; every review acknowledged after retries; {words}"))
    })
}

/// A change of the primary, and what clients saw of it.
struct Change {
    old: String,
    new: String,
    record: Record,
    seen: Seen,
    before: Counts,
}

impl Change {
    /// Sends reviews, changes a film and reads it, and calls `change` with the primary meanwhile.
    fn during(
        cluster: &TestCluster,
        stream: &Stream,
        change: impl FnOnce(&str) -> Result<()>,
    ) -> Result<Self> {
        let before = database::reviews(cluster, CLUSTER)?;
        let old = database::primary(cluster, CLUSTER)?;
        let changes = probe::start(cluster, &database::connection(cluster)?)?;
        let reviews = stream.start(cluster)?;
        thread::sleep(Duration::from_secs(5));
        change(&old)?;
        let record = stream.finish(&reviews)?;
        let seen = Seen::parse(&changes.log()?)?;
        changes.stop()?;
        database::wait_until_ready(cluster, CLUSTER)?;
        Ok(Self { old, new: database::primary(cluster, CLUSTER)?, record, seen, before })
    }

    /// Checks that no review was lost and no read was stale, and returns the figures in words.
    fn check(&self, cluster: &TestCluster) -> Result<String> {
        Ok(format!(
            "{:.1} s without a review, {:.1} s without a commit by SQL; {}; {}",
            self.record.gap().as_secs_f64(),
            self.seen.gap().as_secs_f64(),
            self.record.check(&self.before, &database::reviews(cluster, CLUSTER)?)?,
            self.seen.check()?
        ))
    }
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

fn all_restarts(cluster: &TestCluster) -> Result<BTreeMap<String, u64>> {
    let count = |pod: String| Ok((pod.clone(), restarts(cluster, &pod)?));
    pods(cluster)?.into_iter().map(count).collect()
}

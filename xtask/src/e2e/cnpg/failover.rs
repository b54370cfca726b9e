//! The primary's pod is killed while reviews arrive.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::database::{self, CLUSTER};
use crate::e2e::cluster::TestCluster;
use crate::e2e::install::pods;
use crate::e2e::probe::{self, Seen};
use crate::e2e::stream::Stream;

const STREAM: Stream = Stream { rate: 100, seconds: 75, retry: 0 };
/// Longest time without a review. Far longer than the operator needs, and shorter than the rest of the stream.
const LONGEST: Duration = Duration::from_mins(1);

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("primary killed by force, under load", || {
        let (reviews_before, restarts_before) = (database::reviews(cluster, CLUSTER)?, restarts(cluster)?);
        let old = database::primary(cluster, CLUSTER)?;
        let changes = probe::start(cluster, &database::connection(cluster)?)?;
        let reviews = STREAM.start(cluster)?;
        thread::sleep(Duration::from_secs(5));
        cluster.kubectl(&["delete", "pod", &old, "--grace-period=0", "--force", "--wait=false"])?;
        let record = STREAM.finish(&reviews)?;
        let seen = Seen::parse(&changes.log()?)?;
        drop(changes);
        database::wait_until_ready(cluster, CLUSTER)?;
        let new = database::primary(cluster, CLUSTER)?;
        ensure!(new != old, "expected another primary than {old}");
        ensure!(
            record.gap() < LONGEST,
            "expected reviews to be acknowledged again within {LONGEST:?}, found {:?} without: kubectl --namespace {} \
             get clusters.postgresql.cnpg.io",
            record.gap(),
            cluster.namespace
        );
        let restarts = restarts(cluster)?;
        ensure!(restarts == restarts_before, "expected no restart of the service, found {restarts:?}");
        let counts = record.check(&reviews_before, &database::reviews(cluster, CLUSTER)?)?;
        Ok(format!(
            "{old} killed, {new} promoted; {:.1} s without a review, {:.1} s without a commit by SQL, slowest \
             request {:.1} s; {counts}; {}; no pod of the service restarted",
            record.gap().as_secs_f64(),
            seen.gap().as_secs_f64(),
            record.slowest().as_secs_f64(),
            seen.check()?
        ))
    })
}

/// Returns the restarts of each pod of the service.
fn restarts(cluster: &TestCluster) -> Result<BTreeMap<String, u64>> {
    let count = |pod: String| {
        let found = cluster.get(&["pod", &pod])?;
        let restarts = found["status"]["containerStatuses"][0]["restartCount"].as_u64();
        Ok((pod, restarts.context("no container has a status")?))
    };
    pods(cluster)?.into_iter().map(count).collect()
}

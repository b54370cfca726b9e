//! More pods, then fewer, while requests arrive.

use anyhow::{Result, ensure};

use super::cluster::TestCluster;
use super::install::pods;
use super::load::Load;

/// Longer than pods need to start and stop.
const SECONDS: u64 = 60;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("scale out and in, under load", || {
        let counts = Load::on_release(cluster, SECONDS).during(cluster, || {
            for replicas in [3, 1] {
                cluster.upgrade(&[&format!("replicas={replicas}")])?;
                let found = pods(cluster)?;
                ensure!(found.len() == replicas, "expected {replicas} pods, found {found:?}");
            }
            Ok(())
        })?;
        Ok(format!("three pods, then a single pod; {counts}"))
    })
}

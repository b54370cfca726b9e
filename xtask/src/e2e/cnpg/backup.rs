//! A backup to a volume and a restore into a new release, with the commands of docs/backup.md.

use anyhow::{Result, ensure};

use super::database::{self, CLUSTER};
use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::Forward;
use crate::e2e::install::check_routes;
use crate::e2e::runbook::Runbook;

const RESTORED: &str = "films-restored-postgres";

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    let runbook = Runbook::open(cluster, "docs/backup.md", "")?;
    let before = database::reviews(cluster, CLUSTER)?;
    cluster.step("backup to a volume", || {
        let prepared = runbook.run("Prepare")?;
        let saved = runbook.run("Back up now")?;
        Ok(format!("prepared in {:.0} s, saved in {:.0} s", prepared.as_secs_f64(), saved.as_secs_f64()))
    })?;
    cluster.step("restore into a new release", || {
        let time = runbook.run("Restore into a new release")?;
        let after = database::reviews(cluster, RESTORED)?;
        let total = before.values().sum::<u64>();
        ensure!(
            after == before,
            "expected the {total} reviews of the backup, found {}",
            after.values().sum::<u64>()
        );
        check_routes(&Forward::to(&cluster.namespace, "service/films-restored", 5000)?)?;
        Ok(format!("{total} reviews, and the three routes respond, after {:.0} s", time.as_secs_f64()))
    })?;
    cluster.output(&mut cluster.helm(&["uninstall", "films-restored", "--wait"]))?;
    database::delete(cluster, RESTORED)
}

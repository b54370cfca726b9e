//! What an uninstallation leaves, and the next installation on it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cluster::{RELEASE, TestCluster};
use super::install::wait_for_routes;
use super::roles::psql;

const LEFT: [&str; 3] =
    ["persistentvolumeclaim/data-films-postgres-0", "secret/films-postgres", "secret/films-postgres-roles"];
/// Objects of every namespace, objects of this test, and records of the past.
const NOT_OF_THE_RELEASE: [&str; 5] = [
    "configmap/kube-root-ca.crt",
    "event/",
    "event.events.k8s.io/",
    "networkpolicy.networking.k8s.io/default-deny",
    "serviceaccount/default",
];

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    let before = reviews(cluster)?;
    ensure!(before > 0, "expected reviews of earlier scenarios in the database, found none");
    cluster.step("helm uninstall", || {
        cluster.output(&mut cluster.helm(&["uninstall", RELEASE, "--wait", "--timeout", "3m"]))?;
        let expected = BTreeSet::from(LEFT.map(str::to_owned));
        cluster.until(Duration::from_mins(1), "only the volume's claim and the passwords", || {
            let left = left(cluster)?;
            ensure!(left == expected, "found {left:?}");
            Ok(())
        })?;
        Ok(format!("leaves {} and nothing else", LEFT.join(", ")))
    })?;
    cluster.step("second install", || {
        cluster.upgrade(&[])?;
        wait_for_routes(cluster)?;
        let after = reviews(cluster)?;
        ensure!(after > before, "expected the {before} earlier reviews and a new one, found {after}");
        Ok(format!("uses the same volume and passwords, with {before} reviews"))
    })
}

/// Returns everything in the namespace that can be listed.
fn left(cluster: &TestCluster) -> Result<BTreeSet<String>> {
    let kinds = cluster.kubectl(&["api-resources", "--verbs=list", "--namespaced", "--output=name"])?;
    // Metrics of a pod remain for a while after the pod is gone.
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !kind.ends_with("metrics.k8s.io")).collect();
    let names = cluster.kubectl(&["get", &kinds.join(","), "--output=name", "--ignore-not-found"])?;
    let is_other =
        |name: &str, other: &str| name == other || (other.ends_with('/') && name.starts_with(other));
    let of_the_release = |name: &&str| !NOT_OF_THE_RELEASE.iter().any(|other| is_other(name, other));
    Ok(names.lines().filter(of_the_release).map(str::to_owned).collect())
}

/// Returns the number of reviews in the database of the release.
pub(super) fn reviews(cluster: &TestCluster) -> Result<u64> {
    let text = psql(cluster, "dvdrental", "select count(*) from review")?;
    text.trim().parse().with_context(|| format!("expected a count of psql, got {text}"))
}

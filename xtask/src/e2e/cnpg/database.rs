//! The Cluster of `CloudNativePG` and the databases in it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::e2e::cluster::TestCluster;
use crate::e2e::record::{COUNTS, Counts, counts};
use crate::e2e::roles::psql_in;

/// Name of the Cluster of the release.
pub(in crate::e2e) const CLUSTER: &str = "films-postgres";
pub(in crate::e2e) const KIND: &str = "clusters.postgresql.cnpg.io";
pub(super) const SUPERUSER: &str = "postgres";
const READY_TIMEOUT: Duration = Duration::from_mins(5);

pub(super) fn get(cluster: &TestCluster, name: &str) -> Result<Value> {
    cluster.get(&[&format!("{KIND}/{name}")])
}

pub(in crate::e2e) fn primary(cluster: &TestCluster, name: &str) -> Result<String> {
    let found = get(cluster, name)?;
    let primary = found["status"]["currentPrimary"].as_str();
    Ok(primary.with_context(|| format!("the Cluster {name} has no primary"))?.to_owned())
}

pub(super) fn replicas(cluster: &TestCluster) -> Result<Vec<String>> {
    let found = get(cluster, CLUSTER)?;
    let names = found["status"]["instanceNames"].as_array().context("the Cluster has no instances")?;
    let primary = &found["status"]["currentPrimary"];
    let replicas = names.iter().filter(|name| *name != primary).filter_map(Value::as_str);
    Ok(replicas.map(str::to_owned).collect())
}

/// Waits until every instance is ready and the primary is the wanted one.
pub(in crate::e2e) fn wait_until_ready(cluster: &TestCluster, name: &str) -> Result<()> {
    cluster.until(READY_TIMEOUT, &format!("all instances of {name} to be ready"), || {
        let found = get(cluster, name)?;
        let (spec, status) = (&found["spec"], &found["status"]);
        ensure!(
            status["phase"] == "Cluster in healthy state"
                && status["readyInstances"] == spec["instances"]
                && status["currentPrimary"] == status["targetPrimary"],
            "the phase is {}, {} of {} instances are ready: kubectl --namespace {} describe {KIND}/{name}",
            status["phase"],
            status["readyInstances"],
            spec["instances"],
            cluster.namespace
        );
        Ok(())
    })
}

/// Runs a statement at the primary as superuser.
pub(in crate::e2e) fn psql(cluster: &TestCluster, name: &str, statement: &str) -> Result<String> {
    psql_in(cluster, &primary(cluster, name)?, SUPERUSER, statement)
}

pub(in crate::e2e) fn reviews(cluster: &TestCluster, name: &str) -> Result<Counts> {
    counts(&psql(cluster, name, COUNTS)?)
}

/// Returns libpq's variables for the primary, as a pod of another namespace needs them.
pub(super) fn connection(cluster: &TestCluster) -> Result<[(&'static str, String); 4]> {
    let secret = cluster.get(&[&format!("secret/{CLUSTER}-app")])?;
    let decode = |key: &str| {
        let text = secret["data"][key].as_str().with_context(|| format!("the Secret has no {key}"))?;
        Ok::<_, anyhow::Error>(String::from_utf8(BASE64_STANDARD.decode(text)?)?)
    };
    Ok([
        ("PGHOST", format!("{CLUSTER}-rw.{}", cluster.namespace)),
        ("PGDATABASE", decode("dbname")?),
        ("PGUSER", decode("username")?),
        ("PGPASSWORD", decode("password")?),
    ])
}

/// Deletes a Cluster and its policy, which the chart leaves.
pub(in crate::e2e) fn delete(cluster: &TestCluster, name: &str) -> Result<()> {
    let policy = format!("networkpolicy/{name}-cluster");
    cluster.kubectl(&["delete", &format!("{KIND}/{name}"), &policy]).map(drop)
}

/// Sets how many replicas must store a review before it is acknowledged.
pub(super) fn set_synchronous(cluster: &TestCluster, replicas: u64) -> Result<()> {
    let synchronous = match replicas {
        0 => Value::Null,
        number => json!({ "method": "any", "number": number }),
    };
    let patch = json!({ "spec": { "postgresql": { "synchronous": synchronous } } }).to_string();
    cluster.kubectl(&["patch", &format!("{KIND}/{CLUSTER}"), "--type=merge", "--patch", &patch])?;
    let states = "select count(*) filter (where sync_state = 'quorum') from pg_stat_replication";
    let expected = if replicas == 0 { "0" } else { "2" };
    cluster.until(Duration::from_mins(1), "the configuration of the replication to be in force", || {
        let found = psql(cluster, CLUSTER, states)?;
        ensure!(found == expected, "expected {expected} synchronous replicas, found {found}");
        Ok(())
    })
}

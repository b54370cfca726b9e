//! Three instances: ready, read from, killed, switched over, saved and restored.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::database::{self, CLUSTER, KIND, SUPERUSER};
use super::{backup, cost, primary};
use crate::e2e::cluster::{TestCluster, expect_kind};
use crate::e2e::forward::Forward;
use crate::e2e::install::{check_routes, wait_for_routes};
use crate::e2e::roles::psql_in;

pub(in crate::e2e) fn run(cluster: &TestCluster) -> Result<()> {
    expect_kind(cluster, KIND, "CloudNativePG")?;
    cluster.step("three instances", || {
        cluster.upgrade_with(&values(cluster, false))?;
        database::wait_until_ready(cluster, CLUSTER)?;
        check_routes(&Forward::to_films(cluster)?)?;
        let synchronous = "select count(*) from pg_stat_replication where sync_state = 'quorum'";
        let found = database::psql(cluster, CLUSTER, synchronous)?;
        ensure!(found == "2", "expected two synchronous replicas, found {found}");
        Ok("ready; a commit waits for one of two replicas".to_owned())
    })?;
    primary::kill(cluster)?;
    primary::switch_over(cluster)?;
    cost::run(cluster)?;
    cluster.step("reads from the replicas", || {
        cluster.upgrade_with(&values(cluster, true))?;
        wait_for_routes(cluster)?;
        let connected = "select count(*) from pg_stat_activity where application_name = 'films'";
        let mut connections = Vec::new();
        for replica in database::replicas(cluster)? {
            connections.push(psql_in(cluster, &replica, SUPERUSER, connected)?.parse::<u64>()?);
        }
        // The Service chooses a replica for each connection, so one of them may have none.
        ensure!(
            connections.iter().sum::<u64>() > 0,
            "expected connections of the service at a replica, found none"
        );
        Ok(format!("the replicas have {connections:?} connections of the service"))
    })?;
    backup::run(cluster)?;
    cluster.upgrade(&[])?;
    // The next scenario creates another.
    database::delete(cluster, CLUSTER)
}

/// Returns values of the chart that let the pods of the outside namespace connect to the Cluster.
fn values(cluster: &TestCluster, read_replicas: bool) -> Value {
    let outside = json!({ "matchLabels": { "kubernetes.io/metadata.name": cluster.outside } });
    json!({ "postgres": {
        "mode": "cnpg",
        "cnpg": { "instances": 3, "readReplicas": read_replicas },
        "extraClients": [{ "namespaceSelector": outside }],
    } })
}

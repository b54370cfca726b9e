//! From the embedded Postgres to another, with the commands of docs/graduation.md, while reviews arrive.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::client::Client;
use super::cluster::{TestCluster, expect_kind, kubectl};
use super::cnpg::database::{self, CLUSTER, KIND};
use super::install::wait_for_routes;
use super::record::{COUNTS, Counts, counts};
use super::roles::psql;
use super::runbook::Runbook;
use super::stream::Stream;

const FILE: &str = "docs/graduation.md";
/// Longer than all commands while reviews are refused.
const STREAM: Stream = Stream { rate: 50, seconds: 120, retry: 60 };
const EXTERNAL: &str = include_str!("external.yaml");

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    expect_kind(cluster, KIND, "CloudNativePG")?;
    cluster.step("graduation to CloudNativePG", || {
        cluster.upgrade(&[])?;
        let runbook = Runbook::open(cluster, FILE, "")?;
        runbook.run("Create the Cluster")?;
        let steps = ["Stop reviews", "Copy to the Cluster", "Switch to the Cluster"];
        graduate(cluster, &runbook, steps, || database::reviews(cluster, CLUSTER))
    })?;
    cluster.step("back to the embedded Postgres", || {
        let time = Runbook::open(cluster, FILE, "")?.run("Go back")?;
        wait_for_routes(cluster)?;
        database::delete(cluster, CLUSTER)?;
        Ok(format!("accepts reviews after {:.0} s", time.as_secs_f64()))
    })?;
    cluster.step("graduation to an external Postgres", || {
        let sql = start_external(cluster)?;
        let outside = &cluster.outside;
        let prelude = format!(
            "psql() {{ kubectl --namespace {outside} exec --stdin sql -- psql \"$@\"; }}\n\
             ADMIN_URL=postgres://postgres:admin@external.{outside}/films\n\
             OWNER_URL=postgres://films_owner:owner-password@external.{outside}/films\n\
             SERVICE_URL=postgres://films_service:service-password@external.{outside}/films"
        );
        let runbook = Runbook::open(cluster, FILE, &prelude)?;
        runbook.run("Prepare the server")?;
        let steps = ["Stop reviews", "Copy to the server", "Switch to the server"];
        let result = graduate(cluster, &runbook, steps, || {
            let exec = ["exec", "deployment/external", "--"];
            let psql = ["psql", "--username=postgres", "--dbname=films", "-Atc", COUNTS];
            counts(&cluster.output(kubectl(outside).args(exec).args(psql))?)
        })?;
        runbook.run("Clean up")?;
        sql.stop()?;
        wait_for_routes(cluster)?;
        Ok(result)
    })
}

/// Runs the steps while clients send reviews and try again, and checks the reviews in the new database.
fn graduate(
    cluster: &TestCluster,
    runbook: &Runbook,
    steps: [&str; 3],
    reviews: impl Fn() -> Result<Counts>,
) -> Result<String> {
    let before = counts(&psql(cluster, "dvdrental", COUNTS)?)?;
    let stream = STREAM.start(cluster)?;
    thread::sleep(Duration::from_secs(5));
    let mut times = Vec::new();
    for step in steps {
        times.push(format!("“{step}” {:.1} s", runbook.run(step)?.as_secs_f64()));
    }
    let record = STREAM.finish(&stream)?;
    let after = reviews()?;
    ensure!(
        record.given_up() == 0,
        "expected every review to be acknowledged after retries, but {} were not: {:?}",
        record.given_up(),
        record.statuses()
    );
    let counts = record.check(&before, &after)?;
    Ok(format!("{:.1} s without a review ({}); {counts}", record.gap().as_secs_f64(), times.join(", ")))
}

/// Starts a Postgres that does not belong to the release, and a pod with psql.
fn start_external<'a>(cluster: &'a TestCluster) -> Result<Client<'a>> {
    let manifest = EXTERNAL.replace("OUTSIDE", &cluster.outside).replace("IMAGE", &cluster.images.postgres);
    cluster.apply_manifests(&manifest)?;
    cluster.wait_for_rollout(&cluster.outside, "external")?;
    Client::start(cluster, "sql", &cluster.images.postgres, "", &["sleep", "3600"], &[])
}

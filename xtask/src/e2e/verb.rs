//! Parses the options of the verb and runs the scenarios in order.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::cluster::TestCluster;
use super::images::Options;
use super::{
    cnpg, gateway, graduation, hpa, install, k6_operator, loadtest, manifests, monitoring, outage, scale,
    trace, uninstall, upgrade,
};
use crate::process;
use crate::signals::{Interrupted, Signals};
use crate::terminal::say;

/// Try the chart on the cluster of KUBECONFIG, in namespaces of its own.
///
/// The cluster must have the images or be able to pull them: build them with `cargo xtask image`, and
/// load them with its --load, or push them and give the same --registry and --tag here. All scenarios
/// take about ten minutes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run these scenarios only, after the installation.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// Run the scenarios with programs of others instead, or these of them only.
    ///
    /// Their images take long to build where they cannot be pulled.
    #[arg(long, value_name = "SCENARIO", num_args = 0.., conflicts_with = "scenarios")]
    operators: Option<Vec<OperatorScenario>>,
    #[command(flatten)]
    images: Options,
    #[command(flatten)]
    gateway: gateway::Gateway,
    /// Custom metric of the pods to scale by, in requests per second.
    ///
    /// Its name is what the rules of the adapter make of a metric of the service, here of `films_reads_total`. The
    /// adapter's Prometheus must scrape pods with the annotation `prometheus.io/scrape`.
    #[arg(
        long,
        env = "FILMS_REQUESTS_METRIC",
        default_value = "films_reads_per_second",
        value_name = "NAME"
    )]
    requests_metric: String,
    /// Leave the namespaces at the end, to look at them.
    #[arg(long)]
    keep: bool,
}

/// The scenarios, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Finds the trace of a request in Jaeger.
    Trace,
    /// Changes the configuration and replaces the pods, under load.
    Upgrade,
    /// Adds and removes pods, under load.
    Scale,
    /// Deletes the pod of Postgres.
    Outage,
    /// Runs the load test's Job, and reads its report.
    Loadtest,
    /// Uninstalls the release, and installs it again on the data that it leaves.
    Uninstall,
    /// Applies the manifests of k8s/, without Helm.
    Manifests,
}

/// The scenarios with programs of others, in the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OperatorScenario {
    /// Injects faults until their alerts arrive at Alertmanager, and follows an exemplar to its trace and log line.
    Monitoring,
    /// Sends requests through a Gateway, also during a rollout.
    Gateway,
    /// Runs the load test on several pods, with thresholds that hold and with some that cannot.
    K6Operator,
    /// Scales by requests per second.
    Hpa,
    /// Kills the primary of three instances under load, switches over, saves and restores.
    Cnpg,
    /// Moves from the embedded Postgres to others, under load.
    Graduation,
}

impl OperatorScenario {
    fn run(self, cluster: &TestCluster, args: &Args) -> Result<()> {
        match self {
            Self::Monitoring => monitoring::run(cluster),
            Self::Gateway => gateway::run(cluster, &args.gateway),
            Self::K6Operator => k6_operator::run(cluster),
            Self::Hpa => hpa::run(cluster, &args.requests_metric),
            Self::Cnpg => cnpg::run(cluster),
            Self::Graduation => graduation::run(cluster),
        }
    }
}

impl Scenario {
    fn run(self, cluster: &TestCluster) -> Result<()> {
        match self {
            Self::Trace => trace::run(cluster),
            Self::Upgrade => upgrade::run(cluster),
            Self::Scale => scale::run(cluster),
            Self::Outage => outage::run(cluster),
            Self::Loadtest => loadtest::run(cluster),
            Self::Uninstall => uninstall::run(cluster),
            Self::Manifests => manifests::run(cluster),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    process::output(Command::new("helm").args(["version", "--short"])).context("e2e needs helm")?;
    process::output(Command::new("kubectl").args(["get", "--raw=/readyz"]))
        .context("e2e needs kubectl, and KUBECONFIG must name a cluster that runs")?;
    let signals = Signals::catch()?;
    let started = Instant::now();
    let cluster = TestCluster::create(&args.images, args.keep, &signals)?;
    let outcome = run_scenarios(args, &cluster);
    let unexpected = outcome.as_ref().err().filter(|error| !error.is::<Interrupted>());
    if unexpected.is_some() {
        cluster.dump();
    }
    outcome?;
    say(&format!("All scenarios passed ({:.0} s)", started.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}

fn run_scenarios(args: &Args, cluster: &TestCluster) -> Result<()> {
    install::run(cluster)?;
    match &args.operators {
        None => chosen(&args.scenarios).into_iter().try_for_each(|scenario| scenario.run(cluster)),
        Some(names) => chosen(names).into_iter().try_for_each(|scenario| scenario.run(cluster, args)),
    }
}

/// Returns the scenarios with these names, in the order in which they run, or all.
fn chosen<S: ValueEnum + PartialEq>(names: &[S]) -> Vec<S> {
    let is_chosen = |scenario: &&S| names.is_empty() || names.contains(scenario);
    S::value_variants().iter().filter(is_chosen).cloned().collect()
}

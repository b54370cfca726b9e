//! `cargo xtask e2e`: the chart on a real cluster, as its users have it: a namespace that enforces the
//! `restricted` Pod Security Standard and denies all traffic that no policy allows.
//!
//! A file a scenario; [`stage`] has the namespaces and the release, [`load`] the load from outside.

mod forward;
mod images;
mod install;
mod load;
mod loadtest;
mod manifests;
mod outage;
mod scale;
mod stage;
mod trace;
mod uninstall;
mod upgrade;

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::names::Names;
use crate::say;
use crate::signals::{Interrupted, Signals};
use stage::Stage;

/// Try the chart on the cluster that KUBECONFIG names, in namespaces of its own.
///
/// The cluster must be able to get the images: built with `cargo xtask image` under the same
/// --registry and --tag and pushed, or loaded into it. All takes about ten minutes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which, after the installation; all by default.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    #[command(flatten)]
    names: Names,
    /// The image of Postgres, if not the chart's default.
    #[arg(long, env = "FILMS_POSTGRES_IMAGE", value_name = "IMAGE")]
    postgres_image: Option<String>,
    /// The image of Jaeger, if not the chart's default.
    #[arg(long, env = "FILMS_JAEGER_IMAGE", value_name = "IMAGE")]
    jaeger_image: Option<String>,
    /// Leave everything as it is at the end, to look at it.
    #[arg(long)]
    keep: bool,
}

/// In the order in which they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// A request's trace is found in Jaeger.
    Trace,
    /// New configuration and new pods, under load.
    Upgrade,
    /// More pods and fewer, under load.
    Scale,
    /// Postgres' pod is deleted.
    Outage,
    /// The load test's Job leaves its report.
    Loadtest,
    /// What an uninstallation leaves, and the next installation takes over.
    Uninstall,
    /// The manifests of k8s/, without Helm.
    Manifests,
}

impl Scenario {
    fn play(self, stage: &Stage) -> Result<()> {
        match self {
            Self::Trace => trace::play(stage),
            Self::Upgrade => upgrade::play(stage),
            Self::Scale => scale::play(stage),
            Self::Outage => outage::play(stage),
            Self::Loadtest => loadtest::play(stage),
            Self::Uninstall => uninstall::play(stage),
            Self::Manifests => manifests::play(stage),
        }
    }
}

/// The verb.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    for (tool, check) in [("helm", ["version", "--short"]), ("kubectl", ["get", "--raw=/readyz"])] {
        check_tool(tool, &check)?;
    }
    let signals = Signals::catch()?;
    let started = Instant::now();
    let stage = Stage::set(args, &signals)?;
    let outcome = play(args, &stage);
    let unexpected = outcome.as_ref().err().filter(|error| !error.is::<Interrupted>());
    if unexpected.is_some() {
        stage.dump();
    }
    outcome?;
    say(&format!("All of it holds ({:.0} s)", started.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}

fn play(args: &Args, stage: &Stage) -> Result<()> {
    install::play(stage)?;
    let all = Scenario::value_variants();
    for scenario in all.iter().filter(|one| args.scenarios.is_empty() || args.scenarios.contains(one)) {
        scenario.play(stage)?;
    }
    Ok(())
}

fn check_tool(tool: &str, check: &[&str]) -> Result<()> {
    let output = Command::new(tool).args(check).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{tool} is not there, which is needed to try the chart"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{tool} {} fails: {}; expected KUBECONFIG to name a cluster", check.join(" "), said.trim());
    }
    Ok(())
}

//! Parses the options of the verb and runs the steps in order.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::value_parser;
use loadtest::workload::Workload;

use super::changes;
use super::commits;
use super::metadata;
use super::pgbench;
use super::servers::{BenchServers, prepare_python};
use crate::baselines::{self, FILMS, Role};
use crate::cargo;
use crate::postgres::{self, DataDir, Installation, Instance, Source};
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::terminal::say;

/// Measure films and the baselines on a Postgres of their own, and write the report.
///
/// It takes about fourteen minutes, and with --quick about three, once everything is built.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Measure four short rounds: enough for a first look, not enough to quote.
    #[arg(long)]
    quick: bool,
    /// Workload of the load test: article, spread, mixed (wrk), slo, spike, soak (k6), or a .toml file.
    #[arg(long, default_value = "article")]
    workload: String,
    /// Connections of the generator, and clients of pgbench, of which there are at most 64.
    #[arg(long, default_value_t = 20)]
    connections: u32,
    /// Measure these servers only, separated by commas. Ratios are to the first.
    #[arg(long, value_name = "SERVERS", value_delimiter = ',', value_parser = baselines::server_names())]
    only: Vec<String>,
    /// Rounds; 5 by default.
    #[arg(long)]
    rounds: Option<u32>,
    /// Seconds of each measurement; 8 by default.
    #[arg(long)]
    seconds: Option<u32>,
    /// What must hold, for instance 'films/quart one >= 10'; may be repeated.
    #[arg(long, value_name = "RULE")]
    require: Vec<String>,
    /// Number of burners: processes that only compute, during the measurements. Most nodes are not idle.
    #[arg(long, default_value_t = 0, value_name = "N")]
    burners: u32,
    /// Change a film this many times a second during the load test, to see what changes cost readers.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    film_changes: Option<u32>,
}

impl Args {
    fn seconds(&self) -> u32 {
        self.seconds.unwrap_or(if self.quick { 2 } else { 8 })
    }

    /// Returns the names of the servers to measure, in the order of the report.
    fn servers(&self) -> Result<Vec<&'static str>> {
        let mut servers = baselines::servers()?;
        servers.retain(|name| self.only.is_empty() || self.only.iter().any(|only| only == name));
        Ok(servers)
    }
}

/// Runs the verb. Steps that often fail come before anything is started.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let servers = args.servers()?;
    metadata::check_tools(&Workload::find(&args.workload)?, &servers)?;
    let data = DataDir::lock("bench")?;
    cargo::build(&[FILMS, "baselines", "loadtest"], true)?;
    prepare_python(&servers)?;
    let installation = postgres::find(&args.source)?;

    let signals = Signals::catch()?;
    // Rows of an earlier run would change the speed of the inserts.
    data.clear()?;
    // Unlike a temporary server, a persistent server waits for the disk at a commit.
    let instance = Instance::persistent(&installation, &data, &signals)?;
    let outcome = measure(args, &servers, &instance, &installation, &signals);
    drop(instance);
    data.clear()?;
    outcome
}

fn measure(
    args: &Args,
    names: &[&'static str],
    instance: &Instance,
    installation: &Installation,
    signals: &Signals,
) -> Result<ExitCode> {
    cargo::prepare(instance.url(), true, signals)?;
    let servers = BenchServers::start(instance.url(), names)?;
    servers.wait_until_ready(signals)?;
    commits::check(instance.url(), &servers)?;
    let figures = pgbench::figures(installation, instance.url(), args.connections, args.seconds(), signals)?;

    let reviews = commits::count(instance.url())?;
    let out = cargo::target()?.join("bench");
    fs::create_dir_all(&out).with_context(|| format!("cannot write to {}", out.display()))?;
    // A load test that fails early would leave the result of an earlier run, and the reviews would not add up.
    let result = out.join("result.json");
    if result.exists() {
        fs::remove_file(&result).with_context(|| format!("cannot remove {}", result.display()))?;
    }
    let mut loadtest = loadtest(args, &servers, &out)?;
    loadtest.args(["--observe", &format!("postgres={}", instance.process_id())]);
    for (route, rate) in figures {
        loadtest.args(["--external", &format!("pgbench:{route}={rate:.0}")]);
    }
    for (name, text) in metadata::collect(installation.version(), names)? {
        loadtest.args(["--metadata", &format!("{name}={text}")]);
    }
    if let Some(rate) = args.film_changes {
        loadtest.args(["--metadata", &format!("film changes={}", changes::description(rate))]);
    }
    let status = changes::during(instance.url(), args.film_changes, || {
        // An interrupted load test writes the rounds that it has, so it receives our signals.
        process::run(&mut loadtest, Group::Own, signals)
    })?;
    commits::check_total(instance.url(), reviews, &result)?;
    say(&format!("The report: {}", out.join("report.html").display()));
    Ok(process::exit_code(status))
}

fn loadtest(args: &Args, servers: &BenchServers, out: &Path) -> Result<Command> {
    let rounds = args.rounds.unwrap_or(if args.quick { 4 } else { 5 });
    let mut command = Command::new(cargo::program("loadtest", true)?);
    command.arg("compare").args(servers.targets()).args(["--workload", &args.workload]);
    let reference = baselines::with_role(Role::Reference)?;
    let reference = args.only.first().map_or(reference, String::as_str);
    command.args(["--reference", reference]);
    if servers.has(FILMS) && reference != FILMS {
        command.args(["--subject", FILMS]);
    }
    let ceiling = baselines::with_role(Role::Ceiling)?;
    if servers.has(ceiling) {
        command.args(["--ceiling", ceiling]);
    }
    command.args(["--rounds", &rounds.to_string(), "--seconds", &args.seconds().to_string()]);
    command.args(["--warmup", if args.quick { "1" } else { "2" }]);
    command.args(["--connections", &args.connections.to_string()]);
    command.args(["--burners", &args.burners.to_string()]);
    command.args(args.require.iter().flat_map(|rule| ["--require", rule]));
    for (flag, file) in [("--out", "result.json"), ("--markdown", "report.md"), ("--html", "report.html")] {
        command.arg(flag).arg(out.join(file));
    }
    Ok(command)
}

//! `cargo xtask bench`: the article's table on this machine, from nothing to a report.

mod commits;
mod contestants;
mod pgbench;
mod python;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::postgres::Source;
use crate::process::{self, Group};
use crate::server::{DataFolder, Installation, Server};
use crate::signals::Signals;
use crate::{cargo, say};
use contestants::Contestants;
use pgbench::Figure;

/// Measure films and the four baselines on a Postgres of their own, and write the report.
///
/// It takes about eleven minutes; with --quick under two, for a first look.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Two short rounds: enough to see that everything works, not enough to quote.
    #[arg(long)]
    quick: bool,
    /// The load test's workload: article, spread, mixed, or with k6 slo, spike, soak.
    #[arg(long, default_value = "article")]
    workload: String,
    /// Connections of the generator, and clients of pgbench.
    #[arg(long, default_value_t = 20)]
    connections: u32,
    /// Only these of flask, quart, axum-pool, films, ceiling. Ratios are to the first.
    #[arg(long, value_name = "SERVERS", value_delimiter = ',')]
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
}

/// The verb. What can fail without anything having been started comes first.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    check_tools(&args.workload)?;
    let folder = DataFolder::lock("bench")?;
    build()?;
    let python = python::environments()?;
    let installation = Installation::find(args.source.download)?;

    let signals = Signals::catch()?;
    // Rows of an earlier run would make this one's inserts slower or faster.
    folder.clear()?;
    // Unlike the tests' server this one waits for the disk: a commit that does not is no commit.
    let server = Server::kept(&installation, &folder, &signals)?;
    let outcome = measure(args, &server, &installation, &python, &signals);
    drop(server);
    folder.clear()?;
    outcome
}

fn measure(
    args: &Args,
    server: &Server,
    installation: &Installation,
    python: &python::Environments,
    signals: &Signals,
) -> Result<ExitCode> {
    cargo::fill(server.url(), signals)?;
    let contestants = Contestants::start(server.url(), python, &args.only)?;
    contestants.wait_until_ready(signals)?;
    commits::check(server.url(), &contestants)?;
    let seconds = args.seconds.unwrap_or(if args.quick { 2 } else { 8 });
    let beside = pgbench::figures(installation, server.url(), args.connections, seconds, signals)?;

    let reviews = commits::count(server.url())?;
    let out = cargo::target().join("bench");
    fs::create_dir_all(&out).with_context(|| format!("cannot write to {}", out.display()))?;
    let mut loadtest = loadtest(args, seconds, (server, installation), &contestants, &beside, &out);
    // It keeps what it has measured when it is interrupted, so it gets the signals that we get.
    let status = process::run(&mut loadtest, Group::Own, signals)?;
    commits::check_total(server.url(), reviews, &out.join("result.json"))?;
    say(&format!("The report: {}", out.join("report.html").display()));
    Ok(process::exit_code(status))
}

fn loadtest(
    args: &Args,
    seconds: u32,
    (server, installation): (&Server, &Installation),
    contestants: &Contestants,
    beside: &[Figure],
    out: &Path,
) -> Command {
    let rounds = args.rounds.unwrap_or(if args.quick { 2 } else { 5 });
    let mut command = Command::new(cargo::release("loadtest"));
    command.arg("compare").args(contestants.targets());
    let reference = args.only.first().map_or("quart", String::as_str);
    command.args(["--reference", reference, "--workload", &args.workload]);
    if contestants.has("ceiling") {
        command.args(["--ceiling", "ceiling"]);
    }
    command.args(["--rounds", &rounds.to_string(), "--seconds", &seconds.to_string()]);
    command.args(["--warmup", if args.quick { "1" } else { "2" }]);
    command.args(["--connections", &args.connections.to_string()]);
    command.args(["--observe", &format!("postgres={}", server.process_id())]);
    for Figure { route, rate } in beside {
        command.args(["--beside", &format!("pgbench:{route}={rate:.0}")]);
    }
    for (name, text) in facts(installation.version()) {
        command.args(["--fact", &format!("{name}={text}")]);
    }
    for rule in &args.require {
        command.args(["--require", rule]);
    }
    for (flag, file) in [("--out", "result.json"), ("--markdown", "report.md"), ("--html", "report.html")] {
        command.arg(flag).arg(out.join(file));
    }
    command
}

/// What a reader of the report must know of what was measured.
fn facts(version: u32) -> Vec<(&'static str, String)> {
    let said = |command: &mut Command| {
        let output = command.current_dir(cargo::workspace()).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let films = said(Command::new(cargo::release("films")).arg("--version")).map(|text| ("films", text));
    let rustc = said(Command::new("rustc").arg("--version")).map(|text| ("rustc", text));
    let python = said(Command::new("python3").arg("--version")).map(|text| ("python", text));
    let place = "all on this machine: generator, servers and Postgres share its cores".to_owned();
    let open_loop = said(Command::new("k6").arg("version"));
    let no_k6 = "is not there: slo, spike and soak cannot be measured here".to_owned();
    let k6 = ("k6", open_loop.unwrap_or(no_k6));
    let postgres = ("postgres", format!("{version}, its own defaults"));
    [films, rustc, python, Some(postgres), Some(k6), Some(("place", place))].into_iter().flatten().collect()
}

/// One line for each tool that is not there, before anything takes time.
fn check_tools(workload: &str) -> Result<()> {
    let is_there = |tool: &str, flag: &str| Command::new(tool).arg(flag).output().is_ok();
    if !is_there("python3", "--version") {
        bail!("python3 is not there, which the Python baselines need: apt-get install python3-venv");
    }
    let open_loop = ["slo", "spike", "soak"].contains(&workload);
    if !open_loop && !is_there("wrk", "-v") {
        bail!("wrk is not there, which sends the requests: apt-get install wrk, or brew install wrk");
    }
    if !is_there("k6", "version") {
        let advice = "see https://grafana.com/docs/k6, or go install go.k6.io/k6@latest";
        if open_loop {
            bail!("k6 is not there, which the workload {workload} needs: {advice}");
        }
        say(&format!("k6 is not there: the workloads slo, spike and soak need it ({advice})"));
    }
    Ok(())
}

fn build() -> Result<()> {
    let mut command = cargo::cargo();
    command.args(["build", "--release", "--package", "films"]);
    command.args(["--package", "baselines", "--package", "loadtest"]);
    if !process::spawn(&mut command, Group::Shared, Signal::SIGTERM)?.wait()?.success() {
        bail!("the programs do not build; cargo's own words are above");
    }
    Ok(())
}

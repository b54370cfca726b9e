//! The command line: `compare` measures, `report` shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser};
use loadtest::compare::Plan;
use loadtest::config_map::ConfigMap;
use loadtest::machine::machine;
use loadtest::regress;
use loadtest::report;
use loadtest::require::Requirement;
use loadtest::result::{Beside, Options, Run, Target};
use loadtest::workload::Workload;

/// Stopped by Ctrl-C, as shells say it.
const INTERRUPTED: u8 = 130;

/// Compares servers that speak films' contract.
#[derive(Parser)]
#[command(version)]
enum Verb {
    Compare(Box<Compare>),
    Report(Report),
}

/// Measure targets in interleaved rounds; print and keep the result.
///
/// Exits with 1 where a requirement fails, and with 130 where Ctrl-C ended it early; what was
/// measured until then is kept.
#[derive(Args)]
struct Compare {
    /// The servers, for instance films=http://127.0.0.1:5000.
    #[arg(required = true, value_name = "NAME=URL", value_parser = target)]
    targets: Vec<Target>,
    /// article, spread, mixed (wrk), slo, spike, soak (k6), or a .toml file.
    #[arg(long, default_value = "article")]
    workload: String,
    /// How often each target is measured; an interval takes two at least.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of one measurement.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Length of the warm-up of each target and route; 0 for none.
    #[arg(long, default_value_t = 2)]
    warmup: u64,
    /// Connections, or users of an open loop.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Threads of wrk; as many as there are cores by default.
    #[arg(long)]
    threads: Option<usize>,
    /// Requests a second that arrive in an open loop.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// The target that the others are divided by; the first one by default.
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// The target that answers without a database, to calibrate by.
    #[arg(long, value_name = "NAME")]
    ceiling: Option<String>,
    /// What must hold, for instance 'films/quart one >= 10'; may be repeated.
    #[arg(long, value_name = "RULE")]
    require: Vec<Requirement>,
    /// Where the result goes.
    #[arg(long, default_value = "loadtest.json", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    files: Files,
    /// In a pod: keep result.json, report.md and report.html in this ConfigMap, which is there.
    #[arg(long, value_name = "NAME")]
    config_map: Option<String>,
    /// Something to keep with the result, for instance a commit.
    #[arg(long, value_name = "NAME=TEXT", value_parser = pair)]
    fact: Vec<(String, String)>,
    /// Another tool's figure to stand beside, for instance pgbench:one=65000.
    #[arg(long, value_name = "NAME:ROUTE=RPS", value_parser = beside)]
    beside: Vec<Beside>,
    /// A target's cgroup folder, to read what it uses.
    #[arg(long, value_name = "NAME=FOLDER", value_parser = pair)]
    cgroup: Vec<(String, String)>,
    /// A process to watch with all below it, for instance postgres=1234.
    #[arg(long, value_name = "NAME=PID", value_parser = pair)]
    observe: Vec<(String, String)>,
    /// How long to wait for targets that are still starting, in seconds.
    #[arg(long, default_value_t = 60)]
    wait: u64,
}

/// Show a result again, or what changed between two.
///
/// With two results it exits with 1 where the second is slower beyond the noise.
#[derive(Args)]
struct Report {
    /// A result of `compare`.
    before: PathBuf,
    /// A later one, to compare with it.
    after: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// How much slower is not worth a word.
    #[arg(long, default_value_t = 0.05)]
    tolerance: f64,
}

#[derive(Clone, Args)]
struct Files {
    /// Write the report as Markdown too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write it as a page with charts.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match Verb::parse() {
        Verb::Compare(arguments) => compare(*arguments),
        Verb::Report(arguments) => show(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::FAILURE
    })
}

fn compare(arguments: Compare) -> Result<ExitCode> {
    let (out, files, rules) = (arguments.out.clone(), arguments.files.clone(), arguments.require.clone());
    let config_map = arguments.config_map.as_deref().map(ConfigMap::new).transpose()?;
    let run = plan(arguments)?.run()?;
    run.write(&out)?;
    files.write(&run)?;
    eprintln!("The result is in {}", out.display());
    // It may fail, and the figures are not to be lost with it.
    let kept = config_map.map_or(Ok(()), |map| keep(&run, &map));
    print!("{}", report::markdown(&run));
    kept?;
    if run.interrupted {
        eprintln!("Stopped early: what was measured until then is kept");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let verdicts: Vec<_> = rules.iter().map(|rule| rule.check(&run)).collect();
    for verdict in &verdicts {
        println!("{verdict}");
    }
    // Once more: the end is what `kubectl logs`, and a terminal, show.
    print!("\n{}", report::markdown_table(&run));
    let broken = run.rows.iter().flat_map(|row| &row.rounds).any(|round| !round.failed_thresholds.is_empty());
    Ok(if broken || verdicts.iter().any(|verdict| !verdict.holds()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn keep(run: &Run, map: &ConfigMap) -> Result<()> {
    map.keep(&BTreeMap::from([
        ("result.json", serde_json::to_string(run)?),
        ("report.md", report::markdown(run)),
        ("report.html", report::html(run)),
    ]))
}

fn plan(arguments: Compare) -> Result<Plan> {
    let names: Vec<&str> = arguments.targets.iter().map(|target| target.name.as_str()).collect();
    if let Some(twice) =
        names.iter().enumerate().find_map(|(n, name)| names[..n].contains(name).then_some(name))
    {
        bail!("two targets are called {twice}");
    }
    for name in arguments.reference.iter().chain(&arguments.ceiling) {
        if !names.contains(&name.as_str()) {
            bail!("{name} is none of the targets, which are {}", names.join(", "));
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second one ends the program at once.
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let open_loop = Workload::find(&arguments.workload)?.is_open_loop();
    let threads = arguments.threads.unwrap_or_else(|| machine().cores.min(arguments.connections as usize));
    let observe = arguments.observe.into_iter().map(|(name, process)| {
        let process =
            process.parse().with_context(|| format!("--observe {name}={process}: expected a process id"));
        process.map(|process| (name, process))
    });
    Ok(Plan {
        options: Options {
            reference: arguments.reference.or_else(|| names.first().map(|name| (*name).to_owned())),
            workload: arguments.workload,
            rounds: arguments.rounds,
            seconds: arguments.seconds,
            warmup_seconds: arguments.warmup,
            connections: arguments.connections,
            threads,
            rate: open_loop.then_some(arguments.rate),
            ceiling: arguments.ceiling,
        },
        observe: observe.collect::<Result<_>>()?,
        targets: arguments.targets,
        facts: arguments.fact.into_iter().collect(),
        beside: arguments.beside,
        cgroups: arguments
            .cgroup
            .into_iter()
            .map(|(name, folder)| (name, folder.into()))
            .collect::<BTreeMap<_, _>>(),
        wait: Duration::from_secs(arguments.wait),
        stop,
    })
}

fn show(arguments: &Report) -> Result<ExitCode> {
    let before = Run::read(&arguments.before)?;
    let Some(after) = &arguments.after else {
        print!("{}", report::markdown(&before));
        arguments.files.write(&before)?;
        return Ok(ExitCode::SUCCESS);
    };
    let comparison = regress::compare(&before, &Run::read(after)?, arguments.tolerance);
    print!("{comparison}");
    // Where nothing could be judged, nothing speaks for the second one either.
    let passes = comparison.judged() > 0 && !comparison.has_regressed();
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Files {
    fn write(&self, run: &Run) -> Result<()> {
        let write = |path: &Path, text: String| {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        self.markdown.as_deref().map_or(Ok(()), |path| write(path, report::markdown(run)))?;
        self.html.as_deref().map_or(Ok(()), |path| write(path, report::html(run)))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn target(text: &str) -> Result<Target, String> {
    let (name, url) = pair(text).map_err(|_| "expected NAME=URL".to_owned())?;
    if !url.starts_with("http://") {
        return Err("expected a URL that begins with http://".to_owned());
    }
    Ok(Target { name, url })
}

fn beside(text: &str) -> Result<Beside, String> {
    let parse = || {
        let (place, figure) = text.split_once('=')?;
        let (name, route) = place.split_once(':')?;
        let requests_per_second = figure.parse().ok()?;
        Some(Beside { name: name.to_owned(), route: route.to_owned(), requests_per_second })
    };
    parse().ok_or_else(|| "expected NAME:ROUTE=REQUESTS_PER_SECOND".to_owned())
}

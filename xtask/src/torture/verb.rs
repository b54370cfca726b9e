//! The options of the verb, and its exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum as _;
use nix::unistd::geteuid;

use super::broken::Broken;
use super::check::{enough, first};
use super::faults::Kind;
use super::history::History;
use super::report;
use super::run::{self, Settings};
use crate::cargo;
use crate::postgres::{self, Installation, Source};
use crate::terminal::{name_of, say};

/// The exit code of a violation. 1 is an error of the rig, and 2 a wrong option.
const VIOLATION: u8 = 3;
const FILE: &str = "history.jsonl";

/// Run the service under faults, record what its clients see, and check that every promise held.
///
/// The seed decides what each client does and which fault comes when. Exits with 3 if a promise was broken, and
/// prints the shortest history that shows it. Ctrl-C ends the run early; what was recorded is checked.
///
/// There is no fault that sets the clock: the clock of leases, `CLOCK_BOOTTIME`, cannot be set, and the wall clock
/// belongs to the whole machine. docs/torture.md explains the rules and the faults.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// How long clients run, for instance 30s, 10m or 2h.
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// Repeat the schedule of an earlier run. By default, each run has its own.
    #[arg(long)]
    seed: Option<u64>,
    /// Clients of the service. Two more change films.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    clients: u32,
    /// Instances of the service.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    instances: u8,
    /// Faults, separated by commas. By default, all that this machine allows.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULT")]
    faults: Vec<Kind>,
    /// Folder of the history and the logs. By default, target/torture/SEED.
    #[arg(long, value_name = "FOLDER")]
    history: Option<PathBuf>,
    /// Build a service that breaks a promise, which the check must find.
    #[arg(long, value_enum)]
    broken: Option<Broken>,
    /// Check a history again, and run nothing.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["time", "seed", "clients", "instances", "faults", "history", "broken"])]
    check: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if let Some(file) = &args.check {
        return check(file);
    }
    cargo::build(&["films"], false)?;
    let right = cargo::program("films", false)?;
    let program = args.broken.map_or(Ok(right), Broken::build)?;
    let installation = postgres::find(&args.source)?;
    let faults = faults(&args.faults, &installation)?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    say(&format!("Seed {seed}: repeat with --seed {seed}"));
    let folder = match &args.history {
        Some(folder) => folder.clone(),
        None => cargo::target()?.join("torture").join(seed.to_string()),
    };
    let file = folder.join(FILE);
    let settings =
        Settings { time: args.time, seed, clients: args.clients, instances: args.instances.into(), faults };
    run::run(&settings, &program, installation, &file)?;
    check(&file)
}

/// Returns the chosen faults, or all that are possible here.
fn faults(chosen: &[Kind], installation: &Installation) -> Result<Vec<Kind>> {
    let kinds = if chosen.is_empty() { Kind::value_variants() } else { chosen };
    let mut possible = Vec::new();
    for kind in kinds {
        match obstacle(*kind, installation) {
            None => possible.push(*kind),
            Some(obstacle) if chosen.is_empty() => {
                say(&format!("Left out: {}, which needs {obstacle}", name_of(kind)));
            }
            Some(obstacle) => bail!("--faults {}: this fault needs {obstacle}; leave it out", name_of(kind)),
        }
    }
    Ok(possible)
}

/// Returns what a fault lacks on this machine.
fn obstacle(kind: Kind, installation: &Installation) -> Option<&'static str> {
    match kind {
        Kind::Failover if !installation.has("pg_basebackup") => {
            Some("pg_basebackup beside initdb, which a downloaded Postgres lacks")
        }
        Kind::FullDisk if !geteuid().is_root() || cfg!(not(target_os = "linux")) => {
            Some("root on Linux, who may mount a file system")
        }
        _ => None,
    }
}

/// Checks a history, and prints what was found.
fn check(file: &Path) -> Result<ExitCode> {
    let history = History::read(file)?;
    say(&report::counts(&history));
    let begin = Instant::now();
    if let Some(found) = first(&history) {
        let text = report::violation(&found, &history);
        let beside = file.with_file_name("violation.txt");
        fs::write(&beside, &text).with_context(|| format!("cannot write {}", beside.display()))?;
        say(&format!("{text}\nWritten to {}", beside.display()));
        return Ok(ExitCode::from(VIOLATION));
    }
    enough(&history)?;
    say(&format!(
        "No violation; the check of {} operations took {:.1?}",
        history.operations.len(),
        begin.elapsed()
    ));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Verb {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn durations_have_a_unit() {
        let time = |text| Verb::try_parse_from(["torture", "--for", text]).map(|verb| verb.args.time);
        for (text, expected) in [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000)] {
            assert_eq!(time(text).ok(), Some(Duration::from_millis(expected)), "{text}");
        }
        assert!(time("30").is_err() && time("s").is_err());
    }
}

//! Parses the options of the verb and counts every path.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use super::budgets::{self, Budgets, FILE, Verdict};
use super::count::{Counter, HotPath};
use crate::cargo;
use crate::postgres::{self, Source};
use crate::process;
use crate::terminal::say;

/// A film, which is the article's.
const ONE: HotPath = HotPath {
    name: "one",
    request: "GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n",
    status: 200,
    lease: NO_LEASE,
};

/// The requests that are counted.
const HOT_PATHS: [HotPath; 5] = [
    ONE,
    HotPath { name: "one-leased", lease: LONGEST_LEASE, ..ONE },
    HotPath {
        name: "one-unchanged",
        request: "GET /films/995/ HTTP/1.1\r\nhost: films\r\nif-none-match: {etag}\r\n\r\n",
        status: 304,
        ..ONE
    },
    HotPath { name: "list", request: "GET /films/ HTTP/1.1\r\nhost: films\r\n\r\n", ..ONE },
    HotPath {
        name: "post",
        request: "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\n\
                  content-length: 26\r\n\r\n{\"film_id\":995,\"rating\":4}",
        ..ONE
    },
];

/// Every request needs a query, so that the count repeats.
const NO_LEASE: &str = "0";
/// The longest that Postgres grants. Its renewals cost some hundred instructions of each request; a
/// shorter lease would end between two requests, because valgrind makes the service slow.
const LONGEST_LEASE: &str = "1 second";

/// Count the instructions that a request takes, and compare them with xtask/instructions.toml.
///
/// Fails if a path takes over 5 % more than its budget. valgrind counts the instructions of a release
/// build that serves one request at a time. The profiles are in target/instructions, for
/// `callgrind_annotate`. They have the names of functions if this verb ran with
/// `CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Write the counts as new budgets. Commit the file with the change that explains them.
    #[arg(long)]
    update: bool,
}

/// Runs the verb. Steps that often fail come before anything is started.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    process::output(Command::new("valgrind").arg("--version"))
        .context("valgrind counts the instructions: apt-get install valgrind")?;
    let names = HOT_PATHS.map(|path| path.name);
    let budgets = if args.update { Budgets::default() } else { Budgets::load(&names)? };
    cargo::build(&["films"], true)?;

    let (instance, signals) = postgres::start(&args.source)?;
    cargo::prepare(instance.url(), true, &signals)?;
    let counter = Counter::new(instance.url(), &signals)?;
    let mut counts = Vec::new();
    println!("{:<14} {:>9} {:>9} {:>10}", "path", "now", "budget", "difference");
    for path in &HOT_PATHS {
        let count = counter.instructions(path)?;
        println!("{}", budgets.row(path.name, count));
        counts.push((path.name, count));
    }
    if args.update {
        budgets::write(&counts)?;
        say(&format!("Commit {FILE} with the change that explains it"));
        return Ok(ExitCode::SUCCESS);
    }
    judge(&budgets, &counts)
}

/// Tells what to do about each path that is not within its budget.
fn judge(budgets: &Budgets, counts: &[(&str, u64)]) -> Result<ExitCode> {
    let verdicts: Vec<_> = counts.iter().map(|(name, now)| (name, budgets.verdict(name, *now))).collect();
    for (name, verdict) in &verdicts {
        match verdict {
            Verdict::Within => {}
            Verdict::Below => say(&format!(
                "{name} is well below its budget: `cargo xtask instructions --update` lowers the budget, \
                 so that a later loss is found"
            )),
            Verdict::Above => say(&format!(
                "error: {name} is over 5 % above its budget: make it cheaper. If the new cost is worth it, \
                 run `cargo xtask instructions --update` and commit {FILE} with the change that explains it"
            )),
        }
    }
    if verdicts.iter().any(|(_, verdict)| *verdict != Verdict::Within) {
        budgets.warn_of_another_toolchain()?;
    }
    let failed = verdicts.iter().any(|(_, verdict)| *verdict == Verdict::Above);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

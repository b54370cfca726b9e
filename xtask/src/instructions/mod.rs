//! `cargo xtask instructions`: whether the hot paths still cost what they did.
//!
//! Times depend on the machine and on what else it does, so that a test cannot hold them. The
//! number of instructions does not, within some tenths of a per cent, as long as one request
//! follows the other and the service is asleep whenever something comes for it.

mod budgets;
mod connection;
mod count;
mod relay;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::postgres::{self, Source};
use crate::{cargo, say};
use budgets::{Budgets, FILE, Verdict};
use count::{Counter, HotPath};

/// What is counted. The film is the article's.
const HOT_PATHS: [HotPath; 4] = [
    HotPath { name: "one", request: "GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n", status: 200 },
    HotPath {
        name: "one-unchanged",
        request: "GET /films/995/ HTTP/1.1\r\nhost: films\r\nif-none-match: {etag}\r\n\r\n",
        status: 304,
    },
    HotPath { name: "list", request: "GET /films/ HTTP/1.1\r\nhost: films\r\n\r\n", status: 200 },
    HotPath {
        name: "post",
        request: "POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\n\
                  content-length: 26\r\n\r\n{\"film_id\":995,\"rating\":4}",
        status: 200,
    },
];

/// Count the instructions that a request takes, and compare them with xtask/instructions.toml.
///
/// Fails where a path takes over 5 % more than its budget. Each is counted by valgrind in a release
/// build that serves one request at a time. The profiles are kept in target/instructions, for
/// `callgrind_annotate`; they name functions where it was run with
/// `CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Make what is counted the new budgets. Commit the file with what explains it.
    #[arg(long)]
    update: bool,
}

/// The verb. What can fail without anything having been started comes first.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        bail!("valgrind is not there, which counts the instructions: apt-get install valgrind");
    }
    let names = HOT_PATHS.map(|path| path.name);
    let budgets = if args.update { Budgets::none() } else { Budgets::load(&names)? };
    cargo::build(true)?;

    let (server, signals) = postgres::start(&args.source)?;
    cargo::fill(server.url(), &signals)?;
    let counter = Counter::new(server.url(), &signals)?;
    let mut counts = Vec::new();
    println!("{:<14} {:>9} {:>9} {:>10}", "path", "now", "budget", "difference");
    for path in &HOT_PATHS {
        let count = counter.instructions(path)?;
        println!("{}", budgets.row(path.name, count));
        counts.push((path.name, count));
    }
    if args.update {
        budgets::write(&counts)?;
        say(&format!("{FILE} has these budgets now; commit it with what explains them"));
        return Ok(ExitCode::SUCCESS);
    }
    Ok(judge(&budgets, &counts))
}

/// Says what to do about each path that is not within its budget.
fn judge(budgets: &Budgets, counts: &[(&str, u64)]) -> ExitCode {
    let verdicts: Vec<_> = counts.iter().map(|(name, now)| (name, budgets.verdict(name, *now))).collect();
    for (name, verdict) in &verdicts {
        match verdict {
            Verdict::Within => {}
            Verdict::Below => say(&format!(
                "{name} is well below its budget: `cargo xtask instructions --update` lowers it, so that \
                 what was won is kept"
            )),
            Verdict::Above => say(&format!(
                "error: {name} is over 5 % above its budget: make it cheaper, or, where what it does now \
                 is worth its price, run `cargo xtask instructions --update` and commit {FILE} with what \
                 explains it"
            )),
        }
    }
    if verdicts.iter().any(|(_, verdict)| *verdict != Verdict::Within) {
        budgets.warn_of_another_toolchain();
    }
    let failed = verdicts.iter().any(|(_, verdict)| *verdict == Verdict::Above);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

//! `cargo xtask`: runs things for films, so that a checkout and a Rust toolchain are all it takes.
//!
//! One file a verb. None of them knows the service's insides: the coupling is `DATABASE_URL` and
//! the service's own command line, the same as in a container. Unix only, for its signals.

mod bench;
mod cargo;
mod chart;
mod e2e;
mod image;
mod instructions;
mod k8s;
mod listen;
mod names;
mod postgres;
mod process;
mod run;
mod server;
mod signals;
mod sqlx;
mod test;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::signals::Interrupted;

/// Runs things for films: Postgres, the service, the tests, the images, a cluster.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    Postgres(postgres::Args),
    Test(test::Args),
    Run(run::Args),
    Sqlx(sqlx::Args),
    Bench(bench::Args),
    Instructions(instructions::Args),
    Chart(chart::Args),
    Image(image::Args),
    K8s(k8s::Args),
    E2e(e2e::Args),
}

fn main() -> ExitCode {
    let outcome = match Verb::parse() {
        Verb::Postgres(args) => postgres::run(args),
        Verb::Test(args) => test::run(args),
        Verb::Run(args) => run::run(&args),
        Verb::Sqlx(args) => sqlx::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Instructions(args) => instructions::run(&args),
        Verb::Chart(args) => chart::run(&args),
        Verb::Image(args) => image::run(&args),
        Verb::K8s(args) => k8s::run(&args),
        Verb::E2e(args) => e2e::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return interrupted.exit_code();
        }
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Prints a line for the person at the terminal, who may have closed it: `eprintln!` would then
/// panic in the middle of stopping things.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

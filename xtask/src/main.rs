//! `cargo xtask`: development tasks for films that need only a checkout and a Rust toolchain.
//!
//! Every verb has a file in `verbs/`, or a folder of its own. The tasks run the service as its users do,
//! by its command line and its environment. `bench`, `torture` and `e2e` also know the tables `film` and `review`,
//! and `docs` reads what `films config --schema` prints. Unix only, because of signals.

mod baselines;
mod bench;
mod blocks;
mod builder;
mod cargo;
mod cluster;
mod docs;
mod e2e;
mod generated;
mod images;
mod instructions;
mod kubeconfig;
mod net;
mod postgres;
mod process;
mod python;
mod release;
mod signals;
mod terminal;
mod torture;
mod verbs;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::generated::Mode;
use crate::signals::Interrupted;
use crate::terminal::say;

/// Development tasks for films: Postgres, tests, benchmarks, images, the chart, releases.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    Postgres(verbs::postgres::Args),
    Test(verbs::test::Args),
    Run(verbs::run::Args),
    Sqlx(verbs::sqlx::Args),
    Schemathesis(verbs::schemathesis::Args),
    Screenshots(verbs::screenshots::Args),
    Bench(bench::Args),
    Instructions(instructions::Args),
    Torture(torture::Args),
    /// Write the generated parts of helm/films; commit the result. With --check, also render the chart with
    /// the hostile values of its tests, which it must refuse.
    Chart(Mode),
    /// Write the generated parts of README.md, docs/ and loadtest/baselines/README.md; commit the result.
    Docs(Mode),
    Image(verbs::image::Args),
    /// Render k8s/ from the chart, for `kubectl apply -k k8s/`; commit the result.
    K8s(Mode),
    E2e(Box<e2e::Args>),
    Readme(verbs::readme::Args),
    Release(release::Args),
}

fn main() -> ExitCode {
    // The options' help lists the baselines, so their table must be readable before the options are.
    let outcome = baselines::all().and_then(|_| run(Verb::parse()));
    outcome.unwrap_or_else(|error| {
        if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
            return interrupted.exit_code();
        }
        say(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

fn run(verb: Verb) -> Result<ExitCode> {
    match verb {
        Verb::Postgres(args) => verbs::postgres::run(args),
        Verb::Test(args) => verbs::test::run(args),
        Verb::Run(args) => verbs::run::run(&args),
        Verb::Schemathesis(args) => verbs::schemathesis::run(&args),
        Verb::Sqlx(args) => verbs::sqlx::run(&args),
        Verb::Screenshots(args) => verbs::screenshots::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Instructions(args) => instructions::run(&args),
        Verb::Torture(args) => torture::run(&args),
        Verb::Chart(mode) => docs::chart::run(&mode),
        Verb::Docs(mode) => docs::documents::run(&mode),
        Verb::Image(args) => verbs::image::run(&args),
        Verb::K8s(mode) => verbs::k8s::run(&mode),
        Verb::E2e(args) => e2e::run(&args),
        Verb::Readme(args) => verbs::readme::run(&args),
        Verb::Release(args) => release::run(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_options_of_every_verb_have_names_of_their_own() {
        Verb::command().debug_assert();
    }
}

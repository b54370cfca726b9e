//! A process: parse the command line, load the configuration, start telemetry, run, flush, exit.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use films::config::{self, Config};
use films::server::{App, Stop};
use films::{db, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// A request makes some forty short-lived allocations on one thread, and glibc's took a quarter of
/// its instructions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What sysexits.h calls `EX_USAGE`: started in a way that cannot work.
const EXIT_CONFIG: u8 = 64;

/// A film catalogue and reviews service.
///
/// Every setting is a key of the configuration: see `films config` and `films config --schema`.
#[derive(Debug, Parser)]
#[command(name = "films", version = films::LONG_VERSION)]
struct Arguments {
    /// Configuration file (TOML, or YAML by its ending); the environment goes over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Bring the database's schema up to this build.
    Migrate {
        /// Longest time to wait for a Postgres that is not there yet.
        #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
        wait: Duration,
        /// Longest time to wait for a lock. Everybody else waits behind this command meanwhile.
        #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
        lock_timeout: Duration,
    },
    /// Fill an empty film table with 1,000 films.
    Seed {
        /// Longest time to wait for a Postgres that is not there yet.
        #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
        wait: Duration,
    },
    /// Ask the instance on this machine whether it is ready; exit with 0 or 1.
    Check,
    /// Print the configuration that is in force, without its secrets.
    Config {
        /// Print the JSON Schema of the configuration instead.
        #[arg(long)]
        schema: bool,
    },
}

/// Why the process exits with something else than 0.
struct Failure {
    code: u8,
    text: String,
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Self {
        Self { code: EXIT_CONFIG, text: error.to_string() }
    }
}

impl From<telemetry::Error> for Failure {
    fn from(error: telemetry::Error) -> Self {
        Self { code: EXIT_CONFIG, text: error.to_string() }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure { code: 1, text: error.to_string() }
}

// One thread for commands, probes, accepting connections, and the writer of reviews, which mostly
// waits for Postgres. Those who serve have their own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, text }) => {
            eprintln!("films: {text}");
            ExitCode::from(code)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let load = || config::load(arguments.config.as_deref());
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Config { schema: true } => print_json(&schemars::schema_for!(Config)),
        Command::Config { schema: false } => print_toml(&load()?),
        Command::Check => {
            println!("{}", films::check(load()?.admin.listen.get()).await.map_err(failed)?);
            Ok(())
        }
        Command::Serve => with_telemetry(&load()?, serve).await,
        Command::Migrate { wait, lock_timeout } => {
            with_telemetry(&load()?, async |config, _| {
                let done = db::migrate(&config.database, wait, lock_timeout).await.map_err(failed)?;
                info!(applied = done.applied, version = done.version, "the schema is up to date");
                Ok(())
            })
            .await
        }
        Command::Seed { wait } => {
            with_telemetry(&load()?, async |config, _| {
                match db::seed(&config.database, wait).await.map_err(failed)? {
                    db::Seeded::Inserted(films) => info!(films, "the catalogue is seeded"),
                    db::Seeded::Untouched => info!("the film table has rows and was left alone"),
                }
                Ok(())
            })
            .await
        }
    }
}

/// Runs `command` between the start of telemetry and its end, however the command ends.
async fn with_telemetry(
    config: &Config,
    command: impl AsyncFnOnce(Config, prometheus::Registry) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let telemetry = telemetry::init(config)?;
    let result = command(config.clone(), telemetry.registry().clone()).await;
    if tokio::task::spawn_blocking(move || telemetry.shutdown()).await.is_err() {
        eprintln!("films: telemetry could not be shut down");
    }
    result
}

async fn serve(config: Config, registry: prometheus::Registry) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    info!(version = films::LONG_VERSION, "films");
    let app = App::build(config, registry).map_err(|error| match error {
        films::server::Error::Config(error) => error.into(),
        other => failed(other),
    })?;

    let (stop, stopped) = tokio::sync::oneshot::channel();
    let running = tokio::spawn(app.run(async { stopped.await.unwrap_or(Stop::Now) }));
    tokio::pin!(running);
    let first = tokio::select! {
        stop = next(&mut terminate, &mut interrupt) => stop,
        // Only a panic ends it before it is asked to stop.
        ended = &mut running => return ended.map_err(failed),
    };
    // Its receiver is gone only where `running` has ended.
    let _ = stop.send(first);
    tokio::select! {
        ended = running => ended.map_err(failed),
        _ = next(&mut terminate, &mut interrupt) => exit_at_once(),
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> Stop {
    tokio::select! {
        _ = terminate.recv() => Stop::Politely,
        _ = interrupt.recv() => Stop::Now,
    }
}

#[expect(clippy::disallowed_methods, reason = "a second signal means: do not wait for anything")]
fn exit_at_once() -> ! {
    eprintln!("films: stopped at once by a second signal");
    std::process::exit(130)
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    println!("{}", serde_json::to_string_pretty(value).map_err(failed)?);
    Ok(())
}

fn print_toml(config: &Config) -> Result<(), Failure> {
    print!("{}", toml::to_string(config).map_err(failed)?);
    Ok(())
}

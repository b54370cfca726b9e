//! The process: command line, configuration, telemetry, signals, exit codes.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use films::config::{self, Config};
use films::server::{Server, StopMode, Stopped};
use films::{db, telemetry};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// A request makes about forty short-lived allocations on one thread. With glibc's allocator they took
/// a quarter of the request's instructions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code for an invalid configuration: `EX_USAGE` of sysexits.h.
const EXIT_CONFIG: u8 = 64;

/// Exit code after a second signal: 128 plus the number of SIGINT, as shells report it.
const EXIT_INTERRUPTED: u8 = 130;

/// A film catalogue and reviews service.
///
/// Every setting is a key of the configuration: see `films config` and `films config --schema`.
#[derive(Debug, Parser)]
#[command(name = "films", version = films::LONG_VERSION)]
struct Arguments {
    /// Configuration file: TOML, or YAML if its name ends in .yaml or .yml. The environment overrides it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Apply the migrations of this build to the database.
    Migrate {
        /// Longest time to wait for a Postgres that is still starting.
        #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
        wait: Duration,
        /// Longest time to wait for a lock. Other sessions queue behind this command meanwhile.
        #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
        lock_timeout: Duration,
    },
    /// Fill an empty film table with 1,000 films.
    Seed {
        /// Longest time to wait for a Postgres that is still starting.
        #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
        wait: Duration,
        /// Longest time to wait for a lock.
        #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
        lock_timeout: Duration,
    },
    /// Check whether the instance on this machine is ready. Exits with 0 or 1.
    Check,
    /// Print the effective configuration, without secrets.
    Config {
        /// Print the JSON Schema of the configuration instead.
        #[arg(long)]
        schema: bool,
    },
    /// Print the OpenAPI document that `/openapi.json` serves.
    Openapi,
    /// Print the metrics of the service as JSON: names, types, units, attributes, meanings.
    Metrics,
}

/// Why the process fails, and the exit code.
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

// This thread runs commands, accepts connections, responds to probes, and writes reviews. None of them
// keeps it busy. The worker threads serve requests.
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
            let body = films::check(load()?.admin.listen.get()).map_err(failed)?;
            print(&format!("{body}\n"))
        }
        Command::Openapi => print(&films::openapi_document().map_err(failed)?),
        Command::Metrics => print_json(&telemetry::instruments()),
        Command::Serve => with_telemetry(load()?, serve).await.map(drop),
        Command::Migrate { wait, lock_timeout } => {
            with_telemetry(load()?, async |config, _| {
                let migrated = db::migrate(&config.database, wait, lock_timeout).await.map_err(failed)?;
                info!(applied = migrated.applied, version = migrated.version, "the schema is up to date");
                Ok(())
            })
            .await
        }
        Command::Seed { wait, lock_timeout } => {
            with_telemetry(load()?, async |config, _| {
                match db::seed(&config.database, wait, lock_timeout).await.map_err(failed)? {
                    db::Seeded::Inserted(films) => info!(films, "the catalogue is seeded"),
                    db::Seeded::Untouched => info!("the film table has rows and was not changed"),
                }
                Ok(())
            })
            .await
        }
    }
}

/// Starts telemetry, runs `command`, and flushes telemetry whether the command succeeds or fails.
async fn with_telemetry<T>(
    config: Config,
    command: impl AsyncFnOnce(Config, prometheus::Registry) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let telemetry = telemetry::init(&config)?;
    let result = command(config, telemetry.registry().clone()).await;
    if tokio::task::spawn_blocking(move || telemetry.shutdown()).await.is_err() {
        eprintln!(
            "films: telemetry could not be shut down: the last spans, metrics and log lines may be lost"
        );
    }
    result
}

async fn serve(config: Config, registry: prometheus::Registry) -> Result<Stopped, Failure> {
    let mut signals = Signals::new()
        .map_err(|error| failed(format!("the handlers of signals cannot be installed: {error}")))?;
    info!(version = films::LONG_VERSION, "starting");
    let server = Server::build(config, registry).map_err(|error| match error {
        films::server::Error::Config(error) => error.into(),
        other => failed(other),
    })?;

    let (stop, stopped) = tokio::sync::oneshot::channel();
    let running = tokio::spawn(server.run(async { stopped.await.unwrap_or(StopMode::Immediate) }));
    tokio::pin!(running);
    let mode = tokio::select! {
        mode = signals.stop() => mode,
        // Before a signal, only a panic ends the server.
        ended = &mut running => return ended.map_err(failed),
    };
    // The receiver is dropped only if the server has ended.
    let _ = stop.send(mode);
    tokio::select! {
        ended = running => ended.map_err(failed),
        _ = signals.stop() => exit_immediately(),
    }
}

/// The signals that a server handles.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal that stops the server. SIGHUP does not: whoever sends it to a daemon means
    /// that the daemon reads its configuration again, and never that requests are lost.
    async fn stop(&mut self) -> StopMode {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return StopMode::Graceful,
                _ = self.interrupt.recv() => return StopMode::Immediate,
                _ = self.hangup.recv() => {
                    warn!("SIGHUP is ignored: the configuration is read at the start only; restart to apply it");
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a second signal skips the orderly stop")]
fn exit_immediately() -> ! {
    eprintln!("films: stopped immediately by a second signal");
    std::process::exit(EXIT_INTERRUPTED.into())
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", serde_json::to_string_pretty(value).map_err(failed)?))
}

fn print_toml(config: &Config) -> Result<(), Failure> {
    print(&toml::to_string(config).map_err(failed)?)
}

/// Writes to stdout. `print!` would panic if the reader has closed the pipe, as `head` does.
fn print(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| failed(format!("the output cannot be written to stdout: {error}")))
}

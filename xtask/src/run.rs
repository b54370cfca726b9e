//! `cargo xtask run`: the service with a database that stays, for trying things out.

use std::env;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::listen::Listen;
use crate::postgres::Source;
use crate::process::{self, Group};
use crate::server::{DataFolder, Installation, Server};
use crate::signals::Signals;
use crate::{cargo, say};

/// How long the service is waited for quietly. Its own log says more, so this ends nothing.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);
const LAME_DUCK: &str = "FILMS__SHUTDOWN__LAME_DUCK";

/// Build and run the service with a Postgres whose data stay; Ctrl-C stops both.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Delete the data of earlier runs first.
    #[arg(long)]
    fresh: bool,
    /// Build with optimisations: slower to build, but how fast the service is can be seen.
    #[arg(long)]
    release: bool,
}

/// The verb. What can fail without anything having been started comes first.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let http = Listen::from_env("FILMS__HTTP__LISTEN", 5000)?;
    let admin = Listen::from_env("FILMS__ADMIN__LISTEN", 9090)?;
    http.check_free()?;
    admin.check_free()?;
    let folder = DataFolder::lock("run")?;
    cargo::build(args.release)?;
    let installation = Installation::find(args.source.download)?;

    let signals = Signals::catch()?;
    if args.fresh {
        folder.clear()?;
    }
    let server = Server::kept(&installation, &folder, &signals)?;
    for verb in ["migrate", "seed"] {
        let status = process::run(&mut films(verb, args, &server), Group::Own, &signals)?;
        signals.check()?;
        if !status.success() {
            bail!("`films {verb}` failed ({status}); its own words are above");
        }
    }
    thread::spawn(move || announce(&http, &admin));
    let status = process::run(&mut films("serve", args, &server), Group::Own, &signals)?;
    if !status.success() {
        say(&format!("The service ended ({status})"));
    }
    Ok(process::exit_code(status))
}

/// The service, which has no load balancer to wait for when it stops, unless the user wants it so.
fn films(verb: &str, args: &Args, server: &Server) -> Command {
    let mut command = cargo::films(verb, args.release);
    command.env("DATABASE_URL", server.url()).stdin(Stdio::null());
    if env::var_os(LAME_DUCK).is_none() {
        command.env(LAME_DUCK, "0s");
    }
    command
}

/// Says what to try, once the service is ready. It runs beside the wait for the service's end, and
/// goes with the process.
fn announce(http: &Listen, admin: &Listen) {
    let start = Instant::now();
    let mut patient = true;
    let (http, asked) = (http.reachable(), admin.reachable());
    while !admin.answers("/readyz") {
        if patient && start.elapsed() > PATIENCE {
            say(&format!("Not ready after {PATIENCE:?}; http://{asked}/readyz says why"));
            patient = false;
        }
        thread::sleep(POLL);
    }
    say(&format!(
        "Ready: http://{http}/films/, http://{asked}/readyz, http://{asked}/metrics
  curl http://{http}/films/995/
  curl 'http://{http}/films/?year.gt=2010'
  curl -H 'content-type: application/json' -d '{{\"film_id\":995,\"rating\":4}}' http://{http}/reviews/
Ctrl-C stops it"
    ));
}

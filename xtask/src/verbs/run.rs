//! `cargo xtask run`: the service with a database that stays, to try things out.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::cargo;
use crate::net::{Listen, responds};
use crate::postgres::{self, DataDir, Instance, Source};
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::terminal::say;

/// Time until the user is told that the service is not ready. Its log says more.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
const LAME_DUCK: &str = "FILMS__SHUTDOWN__LAME_DUCK";

/// Build and run the service with a Postgres whose data stay. Ctrl-C stops both.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Delete the data of earlier runs first.
    #[arg(long)]
    fresh: bool,
    /// Build with optimisations: the build is slower, and the service as fast as in production.
    #[arg(long)]
    release: bool,
}

/// Runs the verb. Steps that often fail come before anything is started.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let http = Listen::from_env("FILMS__HTTP__LISTEN", 5000)?;
    let admin = Listen::from_env("FILMS__ADMIN__LISTEN", 9090)?;
    http.check_free()?;
    admin.check_free()?;
    let data = DataDir::lock("run")?;
    cargo::build(&["films"], args.release)?;
    let installation = postgres::find(&args.source)?;

    let signals = Signals::catch()?;
    if args.fresh {
        data.clear()?;
    }
    let instance = Instance::persistent(&installation, &data, &signals)?;
    cargo::prepare(instance.url(), args.release, &signals)?;
    let mut command = Command::new(cargo::program("films", args.release)?);
    command.arg("serve").env("DATABASE_URL", instance.url()).stdin(Stdio::null());
    if env::var_os(LAME_DUCK).is_none() {
        // No load balancer has to notice that the service stops.
        command.env(LAME_DUCK, "0s");
    }
    let (http, admin) = (http.reachable(), admin.reachable());
    thread::spawn(move || announce(http, admin));
    let status = process::run(&mut command, Group::Own, &signals)?;
    if !status.success() {
        say(&format!("The service ended ({status})"));
    }
    Ok(process::exit_code(status))
}

/// Waits until the service is ready, and prints what to try. The thread ends with the process.
fn announce(http: SocketAddr, admin: SocketAddr) {
    let ready = || Ok(responds(admin, "/readyz").then_some(()));
    while let Ok(None) = process::until(READY_TIMEOUT, None, ready) {
        say(&format!("Not ready after {READY_TIMEOUT:?}: http://{admin}/readyz says why"));
    }
    let page = if responds(http, "/") { format!("http://{http}/, ") } else { String::new() };
    say(&format!(
        "Ready: {page}http://{http}/films/, http://{admin}/readyz, http://{admin}/metrics
  curl http://{http}/films/995/
  curl 'http://{http}/films/?year.gt=2010'
  curl -H 'content-type: application/json' -d '{{\"film_id\":995,\"rating\":4}}' http://{http}/reviews/
Ctrl-C stops it"
    ));
}

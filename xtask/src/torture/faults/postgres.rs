//! Faults of the primary and of what it needs.

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use postgres::{Client, NoTls};

use super::super::rig::Rig;
use super::plan::Planned;

/// Far more connections than Postgres allows here.
const MOST: usize = 1000;
const SESSIONS: &str = "select pid from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid";

/// Kills Postgres and starts it again after a while.
pub(super) fn kill(rig: &mut Rig, planned: &Planned) -> Result<String> {
    rig.database.primary.kill()?;
    rig.hold(planned.length);
    rig.database.recover()?;
    Ok("primary".to_owned())
}

/// Kills a session. Postgres then ends all others and restarts, because the session may have left shared
/// memory in a bad state.
pub(super) fn kill_backend(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let sessions = sessions(rig)?;
    let chosen = sessions.get(planned.choice % sessions.len().max(1));
    let chosen = *chosen.context("Postgres has no session to kill: expected those of the instances")?;
    send(Pid::from_raw(chosen), Signal::SIGKILL)
        .with_context(|| format!("cannot kill the session with process id {chosen}"))?;
    rig.database.recover()?;
    Ok("a session".to_owned())
}

/// Ends about half of the sessions.
pub(super) fn terminate_backends(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let sessions = sessions(rig)?;
    let mut client = rig.database.connect()?;
    let chosen = sessions.iter().enumerate().filter(|(at, _)| planned.choice >> (at % 64) & 1 == 1);
    let mut count = 0;
    for (_, session) in chosen {
        client.execute("select pg_terminate_backend($1)", &[session]).context("cannot end a session")?;
        count += 1;
    }
    Ok(format!("{count} sessions"))
}

/// Pauses all processes of the primary.
pub(super) fn pause(rig: &Rig, planned: &Planned) -> String {
    rig.database.primary.signal(Signal::SIGSTOP);
    rig.hold(planned.length);
    rig.database.primary.signal(Signal::SIGCONT);
    "primary".to_owned()
}

/// Opens connections until Postgres refuses one, holds them, and closes them.
pub(super) fn exhaust_connections(rig: &Rig, planned: &Planned) -> Result<String> {
    let url = rig.database.primary.url();
    let held: Vec<Client> = (0..MOST).map_while(|_| Client::connect(&url, NoTls).ok()).collect();
    ensure!(held.len() < MOST, "Postgres accepts {MOST} connections: expected max_connections to be lower");
    rig.hold(planned.length);
    Ok(format!("{} connections", held.len()))
}

/// Fills the disk of Postgres, which ends if it cannot write its log, frees it and starts Postgres again.
pub(super) fn fill_disk(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let disk = rig.database.disk.as_ref().context("Postgres has no small disk in this run")?;
    disk.fill()?;
    // Makes Postgres begin another file of its log now, not only after 16 MB.
    let switched = rig
        .database
        .connect()
        .and_then(|mut client| client.simple_query("select pg_switch_wal()").context("the disk is full"));
    rig.hold(planned.length);
    disk.free()?;
    rig.database.recover()?;
    Ok(if switched.is_ok() { "disk" } else { "disk, and Postgres failed" }.to_owned())
}

/// Returns the process ids of the sessions of clients.
fn sessions(rig: &Rig) -> Result<Vec<i32>> {
    let rows = rig.database.connect()?.query(SESSIONS, &[]).context("cannot list the sessions")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

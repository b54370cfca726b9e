//! Faults of the primary.

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;

use super::super::rig::Rig;
use super::plan::Planned;

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

/// Returns the process ids of the sessions of clients.
fn sessions(rig: &Rig) -> Result<Vec<i32>> {
    let rows = rig.database.connect()?.query(SESSIONS, &[]).context("cannot list the sessions")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

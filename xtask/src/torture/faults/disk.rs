//! A full disk.

use anyhow::{Context as _, Result};

use super::super::rig::Rig;
use super::plan::Planned;

/// Fills the disk of Postgres, which ends if it cannot write its log, frees it and starts Postgres again.
pub(super) fn fill(rig: &mut Rig, planned: &Planned) -> Result<String> {
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

//! Connections until Postgres refuses more.

use anyhow::{Result, ensure};
use postgres::{Client, NoTls};

use super::super::rig::Rig;
use super::plan::Planned;

/// Far more than Postgres allows here.
const MOST: usize = 1000;

/// Opens connections until Postgres refuses one, holds them, and closes them.
pub(super) fn exhaust(rig: &Rig, planned: &Planned) -> Result<String> {
    let url = rig.database.primary.url();
    let held: Vec<Client> = (0..MOST).map_while(|_| Client::connect(&url, NoTls).ok()).collect();
    ensure!(held.len() < MOST, "Postgres accepts {MOST} connections: expected max_connections to be lower");
    rig.hold(planned.length);
    Ok(format!("{} connections", held.len()))
}

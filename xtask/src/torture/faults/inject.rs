//! Injects a fault and waits until it has ended.

use anyhow::{Context as _, Result};

use super::super::rig::Rig;
use super::kind::Kind;
use super::plan::Planned;
use super::{connections, disk, films, network, postgres};

/// Injects a fault, ends it, and waits until every instance is ready again. Returns what it was aimed at.
pub(in super::super) fn inject(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let target = begin_and_end(rig, planned).with_context(|| format!("the fault {}", planned.kind.name()))?;
    rig.settle().with_context(|| format!("after the fault {}", planned.kind.name()))?;
    Ok(target)
}

fn begin_and_end(rig: &mut Rig, planned: &Planned) -> Result<String> {
    match planned.kind {
        Kind::KillFilms => films::kill(rig, planned),
        Kind::RestartFilms => films::restart(rig, planned),
        Kind::PauseFilms => films::pause(rig, planned),
        Kind::KillPostgres => postgres::kill(rig, planned),
        Kind::KillBackend => postgres::kill_backend(rig, planned),
        Kind::TerminateBackends => postgres::terminate_backends(rig, planned),
        Kind::PausePostgres => Ok(postgres::pause(rig, planned)),
        Kind::Cut => Ok(network::cut(rig, planned)),
        Kind::Stall => Ok(network::stall(rig, planned)),
        Kind::HalfClose => Ok(network::half_close(rig, planned)),
        Kind::ExhaustConnections => connections::exhaust(rig, planned),
        Kind::Failover => rig.fail_over(),
        Kind::FullDisk => disk::fill(rig, planned),
    }
}

//! Injects a fault and waits until it has ended.

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use super::super::link::Mode;
use super::super::rig::Rig;
use super::plan::{Kind, Planned};
use super::{network, postgres};
use crate::terminal::name_of;

/// Injects a fault, ends it, and waits until every instance is ready again. Returns what it was aimed at.
pub(in super::super) fn inject(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let target =
        begin_and_end(rig, planned).with_context(|| format!("the fault {}", name_of(&planned.kind)))?;
    rig.settle().with_context(|| format!("after the fault {}", name_of(&planned.kind)))?;
    Ok(target)
}

fn begin_and_end(rig: &mut Rig, planned: &Planned) -> Result<String> {
    let Planned { kind, choice, length, .. } = *planned;
    match kind {
        Kind::KillFilms => {
            rig.instance(choice).kill();
            rig.hold(length);
            rig.instance(choice).start()
        }
        Kind::RestartFilms => {
            rig.instance(choice).stop()?;
            rig.hold(length);
            rig.instance(choice).start()
        }
        Kind::PauseFilms => {
            rig.instance(choice).signal(Signal::SIGSTOP)?;
            rig.hold(length);
            rig.instance(choice).signal(Signal::SIGCONT)
        }
        Kind::KillPostgres => postgres::kill(rig, planned),
        Kind::KillBackend => postgres::kill_backend(rig, planned),
        Kind::TerminateBackends => postgres::terminate_backends(rig, planned),
        Kind::PausePostgres => Ok(postgres::pause(rig, planned)),
        Kind::Cut => Ok(network::change(rig, planned, Mode::Cut)),
        Kind::Stall => Ok(network::change(rig, planned, Mode::Stalled)),
        Kind::HalfClose => Ok(network::half_close(rig, planned)),
        Kind::ExhaustConnections => postgres::exhaust_connections(rig, planned),
        Kind::Failover => rig.fail_over(),
        Kind::FullDisk => postgres::fill_disk(rig, planned),
    }
}

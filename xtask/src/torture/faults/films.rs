//! Faults of an instance.

use anyhow::Result;
use nix::sys::signal::Signal;

use super::super::rig::Rig;
use super::plan::Planned;

/// Kills an instance and starts it again after a while.
pub(super) fn kill(rig: &mut Rig, planned: &Planned) -> Result<String> {
    rig.instance(planned.choice).kill();
    rig.hold(planned.length);
    rig.instance(planned.choice).start()
}

/// Stops an instance, as Kubernetes does, and starts it again after a while.
pub(super) fn restart(rig: &mut Rig, planned: &Planned) -> Result<String> {
    rig.instance(planned.choice).stop()?;
    rig.hold(planned.length);
    rig.instance(planned.choice).start()
}

/// Pauses an instance.
pub(super) fn pause(rig: &mut Rig, planned: &Planned) -> Result<String> {
    rig.instance(planned.choice).signal(Signal::SIGSTOP)?;
    rig.hold(planned.length);
    rig.instance(planned.choice).signal(Signal::SIGCONT)
}

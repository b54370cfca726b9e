//! Faults of a link: between clients and an instance, or between either and Postgres.

use super::super::link::{End, Mode};
use super::super::rig::Rig;
use super::plan::Planned;

/// Changes what happens to the bytes of a link for a while.
pub(super) fn change(rig: &Rig, planned: &Planned, mode: Mode) -> String {
    let link = rig.link(planned.choice);
    link.set(mode);
    rig.hold(planned.length);
    link.set(Mode::Open);
    link.name.clone()
}

/// Tells one end of each connection that the other sends nothing more, and closes all connections later.
pub(super) fn half_close(rig: &Rig, planned: &Planned) -> String {
    let link = rig.link(planned.choice);
    // The lowest bits choose the link.
    let end = if planned.choice >> 32 & 1 == 0 { End::Client } else { End::Server };
    link.half_close(end);
    rig.hold(planned.length);
    link.close();
    format!("{}, at the {}", link.name, if end == End::Client { "client" } else { "server" })
}

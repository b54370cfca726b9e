//! The kinds of faults, and which comes when, as the seed decides.

use std::iter;
use std::time::Duration;

use clap::ValueEnum;
use fastrand::Rng;

/// The number of a client that does not exist, for a generator of its own.
const STREAM: u64 = 0x6661_756c_7473;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(in super::super) enum Kind {
    /// Kills an instance with SIGKILL and starts it again.
    KillFilms,
    /// Stops an instance with SIGTERM and starts it again.
    RestartFilms,
    /// Pauses an instance with SIGSTOP.
    PauseFilms,
    /// Kills all processes of Postgres and starts it again.
    KillPostgres,
    /// Kills a session of Postgres with SIGKILL, after which Postgres restarts itself.
    KillBackend,
    /// Ends about half of the sessions with `pg_terminate_backend`.
    TerminateBackends,
    /// Pauses all processes of Postgres with SIGSTOP.
    PausePostgres,
    /// Closes the connections of one link, and new connections at once.
    Cut,
    /// Holds the bytes of one link.
    Stall,
    /// Closes the connections of one link in one direction.
    HalfClose,
    /// Opens connections until Postgres refuses more.
    ExhaustConnections,
    /// Kills the primary, promotes its synchronous replica, and makes another replica.
    Failover,
    /// Fills the disk of Postgres. Needs root, who mounts a small file system.
    FullDisk,
}

/// A fault to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Planned {
    /// Time without a fault before it.
    pub(in super::super) pause: Duration,
    pub(in super::super) kind: Kind,
    /// How long it lasts, if that can be chosen.
    pub(in super::super) length: Duration,
    /// Chooses the target, and what else can be chosen.
    pub(in super::super) choice: usize,
}

/// Returns the faults of a run, without an end. Every kind occurs before any occurs again.
pub(in super::super) fn plan(seed: u64, kinds: &[Kind]) -> impl Iterator<Item = Planned> {
    let (mut rng, mut bag) = (Rng::with_seed(seed ^ STREAM), Vec::new());
    iter::from_fn(move || {
        if bag.is_empty() {
            bag.extend_from_slice(kinds);
            rng.shuffle(&mut bag);
        }
        let kind = bag.pop()?;
        let mut milliseconds = |range| Duration::from_millis(rng.u64(range));
        let (pause, length) = (milliseconds(200..1200), milliseconds(200..2000));
        Some(Planned { pause, kind, length, choice: rng.usize(..) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 3] = [Kind::KillFilms, Kind::Cut, Kind::Failover];

    fn planned(seed: u64) -> Vec<Planned> {
        plan(seed, &KINDS).take(30).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        assert_eq!(planned(1), planned(1));
        assert_ne!(planned(1), planned(2));
    }

    #[test]
    fn every_kind_occurs_before_any_occurs_again() {
        for round in planned(1).chunks(KINDS.len()) {
            assert!(KINDS.iter().all(|kind| round.iter().any(|planned| planned.kind == *kind)));
        }
    }
}

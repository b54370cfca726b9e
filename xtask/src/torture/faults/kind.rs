//! The list of faults.

use clap::ValueEnum;

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

impl Kind {
    /// Returns the name, as the option `--faults` takes it.
    pub(in super::super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

//! The kinds of faults, and their parameters.

use std::time::Duration;

/// A fault with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Every public request waits this long.
    Latency(Duration),
    /// This share of the public requests fails.
    Errors(f64),
    /// All connections of the pools are in use.
    ExhaustedPool,
    /// Every query of a batch waits this long on its connection.
    SlowQuery(Duration),
    /// Connections to Postgres are closed, and new ones refused.
    CutConnections,
    /// The instance is unready.
    Unready,
}

/// What a fault is, without its parameters. One fault of each kind runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Latency,
    Errors,
    ExhaustedPool,
    SlowQuery,
    CutConnections,
    Unready,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Latency,
        Self::Errors,
        Self::ExhaustedPool,
        Self::SlowQuery,
        Self::CutConnections,
        Self::Unready,
    ];

    /// Returns the name in paths, metrics and log lines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::ExhaustedPool => "exhausted_pool",
            Self::SlowQuery => "slow_query",
            Self::CutConnections => "cut_connections",
            Self::Unready => "unready",
        }
    }

    /// Returns the kind with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Fault {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Latency(_) => Kind::Latency,
            Self::Errors(_) => Kind::Errors,
            Self::ExhaustedPool => Kind::ExhaustedPool,
            Self::SlowQuery(_) => Kind::SlowQuery,
            Self::CutConnections => Kind::CutConnections,
            Self::Unready => Kind::Unready,
        }
    }

    /// Returns how long requests or queries wait, if the fault makes them wait.
    pub(crate) fn delay(self) -> Option<Duration> {
        match self {
            Self::Latency(delay) | Self::SlowQuery(delay) => Some(delay),
            _ => None,
        }
    }

    /// Returns the share of requests that fail, if the fault makes them fail.
    pub(crate) fn share(self) -> Option<f64> {
        match self {
            Self::Errors(share) => Some(share),
            _ => None,
        }
    }
}

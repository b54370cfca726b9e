//! File descriptors. Each connection takes one, and a process may open only so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::config::Config;

/// Number of file descriptors that a runtime opens: one for its poll, one for its waker, one for its signals, and
/// a spare one.
const RUNTIME: usize = 4;

/// Descriptors of the process: standard streams, listeners, exporters, and connections that wait for a slot.
const PROCESS: usize = 12;

/// Most connections to each port at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) http: usize,
    pub(super) admin: usize,
}

/// Raises the limit of open files as far as the configuration needs it, and returns the shares of the ports.
/// If the limit is too low, Postgres keeps its connections and the ports get fewer. `admin` is the number of
/// connections that the admin port gets at most.
pub(super) fn share(config: &Config, admin: usize) -> Shares {
    let pools = if config.database.read_url.is_some() { 2 } else { 1 };
    let pool_size = usize::try_from(config.database.pool_size).unwrap_or(usize::MAX);
    // The main thread has a runtime too.
    let reserved = PROCESS + RUNTIME * (config.http.threads() + 1) + pools * pool_size;
    let wanted = Shares { http: config.http.max_connections, admin };
    let needed = reserved + wanted.http + wanted.admin;
    let limit = raise(needed);
    let shares = divide(limit.saturating_sub(reserved), wanted);
    if shares != wanted {
        let (max_connections, connections) = (wanted.http, shares.http);
        warn!(
            max_connections,
            connections,
            limit,
            needed,
            "the limit of open files is too low for http.max_connections; raise it"
        );
    }
    shares
}

/// Divides `free` descriptors among the ports. A quarter is for the admin port, if it needs so many.
fn divide(free: usize, wanted: Shares) -> Shares {
    let admin = wanted.admin.min((free / 4).max(1));
    let http = wanted.http.min(free.saturating_sub(admin).max(1));
    Shares { http, admin }
}

/// Raises the soft limit of open files to `needed`, or as far as the hard limit allows. Returns the limit in
/// force.
fn raise(needed: usize) -> usize {
    let limits = getrlimit(Resource::Nofile);
    let number =
        |limit: Option<u64>| limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let target = needed.min(number(limits.maximum));
    if number(limits.current) < target {
        let raised = Rlimit { current: u64::try_from(target).ok(), maximum: limits.maximum };
        // A failure leaves the lower limit in force, which is read below.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    number(getrlimit(Resource::Nofile).current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_gets_what_it_wants_or_a_share() {
        let wanted = Shares { http: 10_000, admin: 64 };
        for (free, http, admin) in
            [(20_000, 10_000, 64), (10_064, 10_000, 64), (1_000, 936, 64), (16, 12, 4), (1, 1, 1), (0, 1, 1)]
        {
            assert_eq!(divide(free, wanted), Shares { http, admin }, "{free}");
        }
        let few = Shares { http: 3, admin: 64 };
        assert_eq!(divide(1_000, few), few);
    }
}

//! The protocol of read leases as a model, whose states are all visited: no lease is stale, which means that its
//! version is the committed one. Variants that lack a part of the protocol must be found to be wrong. A paused
//! process or machine is one whose next step comes late.
//!
//! Time is discrete. An instance's clock may be slow by [`DRIFT`] within a lease, which the margin covers.

use stateright::{Checker as _, Model, Property};

/// Length of a lease, and what an instance subtracts from it.
const LENGTH: u8 = 3;
const MARGIN: u8 = 1;
const DRIFT: u8 = 1;
/// The model ends at this time, and after so many commits.
const END: u8 = 6;
const COMMITS: u8 = 2;

/// The protocol of leases, whole or without one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Whole,
    /// A writer commits without a wait.
    WithoutWait,
    /// The lock and the version are read in one statement, so in one snapshot.
    OneStatement,
    /// The migration does not wait for transactions that run the old trigger.
    MigrationWithoutLock,
}

/// A transaction that changes films.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Writer {
    Idle,
    /// It began before the migration, and commits without a lock and a wait.
    Old,
    /// It holds the shared lock since this moment.
    Waits(u8),
}

/// A query that requests a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Query {
    None,
    /// Sent at this moment, not yet at the server.
    Sent(u8),
    /// The server has a snapshot of the version, and has yet to try the lock.
    Snapshot {
        sent: u8,
        version: u8,
    },
    /// The server holds the exclusive lock, and has yet to read the version.
    Locked {
        sent: u8,
    },
    /// The reply is under way.
    Granted {
        sent: u8,
        version: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lease {
    sent: u8,
    version: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    now: u8,
    is_migrated: bool,
    /// The committed version.
    version: u8,
    writers: [Writer; 2],
    /// Each instance has a query, and the lease that it has taken.
    instances: [(Query, Option<Lease>); 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Tick,
    Migrate,
    /// A writer begins its commit: it runs the trigger.
    Begin(usize),
    Commit(usize),
    /// A writer's connection is lost, or its transaction rolled back.
    Abort(usize),
    Send(usize),
    /// The next step of an instance's query.
    Step(usize),
    /// An instance loses the connection of its query.
    Lose(usize),
    /// Postgres restarts: all connections, locks and transactions end.
    Restart,
}

impl State {
    fn is_locked(&self) -> bool {
        self.writers.iter().any(|writer| matches!(writer, Writer::Waits(_)))
    }

    /// Returns whether some query holds the exclusive lock.
    fn is_read_locked(&self) -> bool {
        self.instances.iter().any(|(query, _)| matches!(query, Query::Locked { .. }))
    }

    /// Drops leases that have ended. They make no difference, and the model stays small.
    fn forget(&mut self) {
        let leases = self.instances.map(|(_, lease)| lease.filter(|lease| self.believes(*lease)));
        self.instances.iter_mut().zip(leases).for_each(|((_, lease), believed)| *lease = believed);
    }

    /// Returns whether an instance may still believe its lease, with a clock as slow as the margin allows.
    fn believes(&self, lease: Lease) -> bool {
        self.now.saturating_sub(DRIFT) < lease.sent + LENGTH - MARGIN
    }
}

impl Protocol {
    /// Does the server's next step of a query, and returns the query after it.
    fn step(self, state: &State, query: Query) -> Query {
        let granted = |sent, version| Query::Granted { sent, version };
        let is_free = !state.is_locked() && !state.is_read_locked();
        match query {
            Query::Sent(sent) if self == Self::OneStatement => {
                Query::Snapshot { sent, version: state.version }
            }
            Query::Sent(sent) if is_free => Query::Locked { sent },
            Query::Snapshot { sent, version } if is_free => granted(sent, version),
            Query::Locked { sent } => granted(sent, state.version),
            // Refused.
            _ => Query::None,
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let state = State {
            now: 0,
            is_migrated: false,
            version: 0,
            writers: [Writer::Idle, Writer::Old],
            instances: [(Query::None, None); 2],
        };
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        actions.push(Action::Restart);
        let is_old = state.writers.contains(&Writer::Old);
        if !state.is_migrated && (!is_old || *self == Self::MigrationWithoutLock) {
            actions.push(Action::Migrate);
        }
        for (at, writer) in state.writers.iter().enumerate() {
            match writer {
                Writer::Idle if state.is_migrated && !state.is_read_locked() => {
                    actions.push(Action::Begin(at));
                }
                Writer::Idle => {}
                Writer::Waits(since) if *self != Self::WithoutWait && state.now < since + LENGTH => {
                    actions.push(Action::Abort(at));
                }
                Writer::Old | Writer::Waits(_) => actions.extend([Action::Commit(at), Action::Abort(at)]),
            }
        }
        for (at, (query, _)) in state.instances.iter().enumerate() {
            match query {
                // An instance requests leases once it sees the migration.
                Query::None if state.is_migrated => actions.push(Action::Send(at)),
                Query::None => {}
                _ => actions.extend([Action::Step(at), Action::Lose(at)]),
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Tick => {
                state.now += 1;
                state.forget();
            }
            Action::Migrate => state.is_migrated = true,
            Action::Begin(at) => state.writers[at] = Writer::Waits(state.now),
            Action::Commit(at) => {
                state.version += 1;
                state.writers[at] = Writer::Idle;
            }
            Action::Abort(at) => state.writers[at] = Writer::Idle,
            Action::Send(at) => state.instances[at].0 = Query::Sent(state.now),
            Action::Step(at) => match state.instances[at].0 {
                Query::Granted { sent, version } => {
                    state.instances[at] = (Query::None, Some(Lease { sent, version }));
                    state.forget();
                }
                query => state.instances[at].0 = self.step(last, query),
            },
            Action::Lose(at) => state.instances[at].0 = Query::None,
            Action::Restart => {
                state.writers = [Writer::Idle; 2];
                for (query, _) in &mut state.instances {
                    // A reply that has left the server may still arrive.
                    if !matches!(query, Query::Granted { .. }) {
                        *query = Query::None;
                    }
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no lease is stale", |_, state: &State| {
                let mut leases = state.instances.iter().filter_map(|(_, lease)| *lease);
                leases.all(|lease| lease.version == state.version)
            }),
            Property::sometimes("both instances hold leases of a changed catalogue", |_, state: &State| {
                state.instances.iter().all(|(_, lease)| lease.is_some_and(|lease| lease.version > 0))
            }),
        ]
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.now <= END && state.version <= COMMITS
    }
}

#[test]
fn no_lease_is_stale() {
    Protocol::Whole.checker().spawn_bfs().join().assert_properties();
}

#[test]
fn a_protocol_without_one_of_its_parts_is_found_to_be_wrong() {
    for protocol in [Protocol::WithoutWait, Protocol::OneStatement, Protocol::MigrationWithoutLock] {
        let checker = protocol.checker().spawn_bfs().join();
        let found = checker.discovery("no lease is stale");
        assert!(found.is_some(), "{protocol:?} passes");
    }
}

//! The changes of films, what reads show of films, and both as operations of one object.

use std::collections::HashMap;

use super::super::history::{Action, List, Operation, Outcome};

/// The value of every film at the start.
pub(super) const INITIAL: u64 = 0;

/// An operation of an object, which took effect at some moment between two times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// Operations of one thread follow each other.
    pub(super) thread: usize,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) step: Step,
    /// The position of the operation in the history.
    pub(super) operation: usize,
}

/// What an operation did to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Writes a value to the film at this position.
    Write(usize, u64),
    /// Reads the values of all films.
    Read(Vec<u64>),
}

/// What an object is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Object<'a> {
    /// A film, with all reads that show it.
    Film(u32),
    /// A list, with the reads of this list.
    List(usize, &'a List),
}

impl Object<'_> {
    pub(super) fn films(self) -> usize {
        match self {
            Self::Film(_) => 1,
            Self::List(_, list) => list.films.len(),
        }
    }

    /// Returns the operations of this object.
    ///
    /// A change with an unknown outcome stays open to the end of the history. If nothing shows it, it makes
    /// no difference and is left out. Otherwise it took effect before the first read of it returned.
    pub(super) fn events(self, operations: &[Operation], lists: &[List]) -> Vec<Event> {
        let mut events: Vec<Event> =
            (0..).zip(operations).filter_map(|(at, operation)| self.event(at, operation, lists)).collect();
        // Threads of clients end here. Each change of the list below has a thread of its own, because its
        // client went on.
        let mut next_thread = 1 + events.iter().map(|event| event.thread).max().unwrap_or_default();
        for (at, operation) in operations.iter().enumerate() {
            if operation.outcome == Outcome::Unknown
                && let Some(step @ Step::Write(film, value)) = self.change(operation)
                && let Some(seen) = first_shown(&events, film, value)
            {
                let returned = seen.max(operation.invoked);
                events.push(Event {
                    thread: next_thread,
                    invoked: operation.invoked,
                    returned,
                    step,
                    operation: at,
                });
                next_thread += 1;
            }
        }
        events
    }

    fn event(self, at: usize, operation: &Operation, lists: &[List]) -> Option<Event> {
        if operation.outcome != Outcome::Ok {
            return None;
        }
        let step = self.change(operation).or_else(|| self.read(operation, lists))?;
        let Operation { client, invoked, returned, .. } = *operation;
        Some(Event { thread: client as usize, invoked, returned, step, operation: at })
    }

    fn change(self, operation: &Operation) -> Option<Step> {
        let Action::ChangeFilm { film, value } = operation.action else { return None };
        let at = match self {
            Self::Film(own) => (own == film).then_some(0),
            Self::List(_, list) => list.films.iter().position(|own| *own == film),
        };
        at.map(|at| Step::Write(at, value))
    }

    fn read(self, operation: &Operation, lists: &[List]) -> Option<Step> {
        match self {
            Self::Film(own) => {
                let shown = shown(operation, lists).into_iter().find(|(film, _)| *film == own)?;
                Some(Step::Read(vec![shown.1]))
            }
            Self::List(own, _) => match &operation.action {
                Action::ReadList { list, values, .. } if *list == own => Some(Step::Read(values.clone())),
                _ => None,
            },
        }
    }
}

/// Returns when the first read returned that shows this value.
fn first_shown(events: &[Event], film: usize, value: u64) -> Option<u64> {
    let shows = |event: &&Event| matches!(&event.step, Step::Read(values) if values[film] == value);
    events.iter().filter(shows).map(|event| event.returned).min()
}

/// Returns the operation that wrote each value to a film, if it may have had an effect.
pub(super) fn written(operations: &[Operation]) -> HashMap<(u32, u64), &Operation> {
    let changes = operations.iter().filter(|operation| operation.outcome != Outcome::Failed);
    let written = changes.filter_map(|operation| match operation.action {
        Action::ChangeFilm { film, value } => Some(((film, value), operation)),
        _ => None,
    });
    written.collect()
}

/// Returns the films and values that an operation has read.
pub(super) fn shown(operation: &Operation, lists: &[List]) -> Vec<(u32, u64)> {
    if operation.outcome != Outcome::Ok {
        return Vec::new();
    }
    match &operation.action {
        Action::ReadFilm { film, value, .. } => vec![(*film, *value)],
        Action::ReadList { list, values, .. } => {
            lists[*list].films.iter().copied().zip(values.iter().copied()).collect()
        }
        _ => Vec::new(),
    }
}

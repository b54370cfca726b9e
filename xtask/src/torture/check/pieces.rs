//! Cuts the operations of an object into short pieces, because stateright's search takes longer than linear
//! time.
//!
//! Every value is written once, so an object is never in the same state again. Two things follow:
//!
//! 1. Of the reads of one state, the read that returned first and the read that was invoked last are enough. If
//!    these two have their moments, the object has that state between the moments, and every other read of
//!    the state was under way during a part of that time.
//! 2. If no operation is under way at some moment, and reads before and after it show the same state, the
//!    object has that state at this moment. The history is linearizable if the part before can end in this
//!    state, which a read at its end demands, and the part after can begin with it.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::object::{Event, Step};

/// Operations, and the state of the object before them.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) state: Vec<u64>,
    pub(super) events: Vec<Event>,
}

/// Cuts operations into pieces.
pub(super) fn pieces(initial: Vec<u64>, events: Vec<Event>) -> Vec<Piece> {
    let events = essential(events);
    let last: HashMap<Vec<u64>, usize> = reads(&events).map(|(at, state)| (state.clone(), at)).collect();
    let mut pieces = Vec::new();
    let mut piece = Piece { state: initial, events: Vec::new() };
    // Reads whose state will be read again.
    let mut lasting: HashMap<Vec<u64>, Event> = HashMap::new();
    let mut end = 0;
    for (at, event) in events.into_iter().enumerate() {
        if end < event.invoked
            && !piece.events.is_empty()
            && let Some((state, read)) = lasting.iter().next()
        {
            piece.events.push(Event { invoked: event.invoked, returned: event.invoked, ..read.clone() });
            let next = Piece { state: state.clone(), events: Vec::new() };
            pieces.push(mem::replace(&mut piece, next));
        }
        if let Step::Read(state) = &event.step {
            if last.get(state) == Some(&at) {
                lasting.remove(state);
            } else {
                lasting.insert(state.clone(), event.clone());
            }
        }
        end = end.max(event.returned);
        piece.events.push(event);
    }
    pieces.push(piece);
    pieces
}

/// Returns the writes, and of the reads of each state those that returned first and were invoked last, in the
/// order in which they were invoked.
pub(super) fn essential(events: Vec<Event>) -> Vec<Event> {
    let mut first: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut last = first.clone();
    for (at, state) in reads(&events) {
        let first = first.entry(state.clone()).or_insert(at);
        if events[at].returned < events[*first].returned {
            *first = at;
        }
        let last = last.entry(state.clone()).or_insert(at);
        if events[at].invoked > events[*last].invoked {
            *last = at;
        }
    }
    let kept: HashSet<usize> = first.into_values().chain(last.into_values()).collect();
    let is_kept = |at: usize, event: &Event| matches!(event.step, Step::Write(..)) || kept.contains(&at);
    let mut events: Vec<Event> = events
        .into_iter()
        .enumerate()
        .filter(|(at, event)| is_kept(*at, event))
        .map(|(_, event)| event)
        .collect();
    events.sort_by_key(|event| event.invoked);
    events
}

fn reads(events: &[Event]) -> impl Iterator<Item = (usize, &Vec<u64>)> {
    events.iter().enumerate().filter_map(|(at, event)| match &event.step {
        Step::Read(state) => Some((at, state)),
        Step::Write(..) => None,
    })
}

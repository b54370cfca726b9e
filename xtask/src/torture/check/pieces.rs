//! Cuts the operations of an object into short pieces, because stateright's search takes longer than linear
//! time.
//!
//! Every value is written once, so an object is never in the same state again. Two things follow:
//!
//! 1. Of the reads of one state, the read that returned first and the read that was invoked last are enough. If
//!    these two have their moments, the object has that state between the moments, and every other read of
//!    the state was under way during a part of that time.
//! 2. If no operation is under way at some moment, all operations before it come before all others. The state
//!    at this moment is certain if no two of the last writes to a film overlapped, or if a later read
//!    shows which of them was the last. So each part of the history can be checked alone.

use std::collections::{HashMap, HashSet};
use std::mem;

use super::object::{Event, Step};

/// Operations, and the state of the object before them.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) state: Vec<u64>,
    pub(super) events: Vec<Event>,
}

/// What is certain about a film after some operations.
#[derive(Clone, Copy)]
struct Film {
    value: u64,
    /// Whether every order of the operations ends with this value.
    certain: bool,
    /// When the last of its writes returned.
    written: u64,
}

impl Film {
    fn write(&mut self, value: u64, event: &Event) {
        let certain = event.invoked > self.written;
        *self = Self { value, certain, written: self.written.max(event.returned) };
    }

    fn read(&mut self, value: u64, event: &Event) {
        if event.invoked > self.written {
            (self.value, self.certain) = (value, true);
        }
    }
}

/// Cuts operations into pieces.
pub(super) fn pieces(initial: Vec<u64>, events: Vec<Event>) -> Vec<Piece> {
    let mut films: Vec<Film> =
        initial.iter().map(|value| Film { value: *value, certain: true, written: 0 }).collect();
    let mut piece = Piece { state: initial, events: Vec::new() };
    let (mut pieces, mut end) = (Vec::new(), 0);
    for event in essential(events) {
        if end < event.invoked && !piece.events.is_empty() && films.iter().all(|film| film.certain) {
            let state = films.iter().map(|film| film.value).collect();
            pieces.push(mem::replace(&mut piece, Piece { state, events: Vec::new() }));
        }
        match &event.step {
            Step::Write(film, value) => films[*film].write(*value, &event),
            Step::Read(values) => {
                films.iter_mut().zip(values).for_each(|(film, value)| film.read(*value, &event));
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
    let mut ends: HashMap<&Vec<u64>, (usize, usize)> = HashMap::new();
    for (at, state) in reads(&events) {
        let (first, last) = ends.entry(state).or_insert((at, at));
        if events[at].returned < events[*first].returned {
            *first = at;
        }
        if events[at].invoked > events[*last].invoked {
            *last = at;
        }
    }
    let kept: HashSet<usize> = ends.into_values().flat_map(|(first, last)| [first, last]).collect();
    let is_kept = |at: usize, event: &Event| matches!(event.step, Step::Write(..)) || kept.contains(&at);
    let kept_events = events.into_iter().enumerate().filter(|(at, event)| is_kept(*at, event));
    let mut essential: Vec<Event> = kept_events.map(|(_, event)| event).collect();
    essential.sort_by_key(|event| event.invoked);
    essential
}

fn reads(events: &[Event]) -> impl Iterator<Item = (usize, &Vec<u64>)> {
    events.iter().enumerate().filter_map(|(at, event)| match &event.step {
        Step::Read(state) => Some((at, state)),
        Step::Write(..) => None,
    })
}

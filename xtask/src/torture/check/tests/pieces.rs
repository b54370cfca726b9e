//! Pieces of histories.

use super::super::object::{Event, Object};
use super::super::pieces::{essential, pieces};
use super::histories::{change, history, list, ok, read};

fn events(count: u64) -> Vec<Event> {
    let operations = (1..=count).flat_map(|value| {
        let begin = value * 1_000;
        let reads =
            (0..50).map(move |at| ok(1, (begin + 20 + at * 10, begin + 25 + at * 10), read(1, value)));
        [ok(9, (begin, begin + 10), change(1, value))].into_iter().chain(reads)
    });
    let history = history(operations.collect());
    Object::Film(1).events(&history.operations, &history.run.lists)
}

#[test]
fn of_the_reads_of_a_value_two_are_kept() {
    assert_eq!(essential(events(10)).len(), 30);
}

#[test]
fn a_long_history_becomes_short_pieces() {
    let pieces = pieces(vec![0], events(100));
    assert!(pieces.iter().all(|piece| piece.events.len() == 1), "{pieces:?}");
    assert_eq!(pieces.len(), 300);
}

#[test]
fn a_piece_begins_with_the_last_value() {
    let pieces = pieces(vec![0], events(2));
    let states: Vec<u64> = pieces.iter().map(|piece| piece.state[0]).collect();
    assert_eq!(states, [0, 1, 1, 1, 2, 2]);
}

#[test]
fn no_piece_begins_after_writes_that_overlap_until_a_read_shows_which_was_the_last() {
    let operations = vec![
        ok(8, (10, 30), change(1, 7)),
        ok(9, (20, 40), change(1, 8)),
        ok(8, (50, 60), change(2, 9)),
        ok(1, (70, 80), list(7, 9)),
        ok(1, (90, 95), list(7, 9)),
    ];
    let history = history(operations);
    let lists = &history.run.lists;
    let events = Object::List(0, &lists[0]).events(&history.operations, lists);
    let pieces = pieces(vec![0, 0], events);
    let lengths: Vec<usize> = pieces.iter().map(|piece| piece.events.len()).collect();
    assert_eq!(lengths, [4, 1]);
    assert_eq!(pieces[1].state, [7, 9]);
}

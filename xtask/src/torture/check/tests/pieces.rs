//! Pieces of histories.

use super::super::object::{Event, Object, Step};
use super::super::pieces::{essential, pieces};
use super::histories::{change, history, ok, read};

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
    assert!(pieces.iter().all(|piece| piece.events.len() <= 4), "{pieces:?}");
    assert_eq!(pieces.iter().map(|piece| piece.events.len()).sum::<usize>(), 400);
}

#[test]
fn a_piece_begins_with_the_state_that_was_read_before_and_after() {
    let pieces = pieces(vec![0], events(2));
    let begins: Vec<_> =
        pieces.iter().map(|piece| (piece.state.clone(), piece.events[0].step.clone())).collect();
    let expected =
        [(vec![0], Step::Write(0, 1)), (vec![1], Step::Read(vec![1])), (vec![2], Step::Read(vec![2]))];
    assert_eq!(begins, expected);
}

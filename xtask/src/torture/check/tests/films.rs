//! Reads and changes of films and lists.

use super::super::super::history::{Action, Operation, UNREADABLE};
use super::histories::{change, check, list, ok, read, unknown, violation};

/// Returns a history of many changes, each read by two clients before the next.
fn calm(changes: u64) -> Vec<Operation> {
    let rounds = (1..=changes).flat_map(|value| {
        let begin = value * 100;
        [
            ok(9, (begin, begin + 10), change(1, value)),
            ok(1, (begin + 20, begin + 30), read(1, value)),
            ok(2, (begin + 25, begin + 40), list(value, 0)),
            ok(1, (begin + 50, begin + 60), read(1, value)),
            ok(2, (begin + 55, begin + 65), list(value, 0)),
        ]
    });
    rounds.collect()
}

#[test]
fn reads_of_what_was_written_pass() {
    assert_eq!(check(calm(200)), None);
}

#[test]
fn a_read_during_a_change_may_show_either_value() {
    for value in [0, 7] {
        assert_eq!(check(vec![ok(9, (10, 30), change(1, 7)), ok(1, (15, 25), read(1, value))]), None);
    }
}

#[test]
fn a_stale_read_is_found_among_many_operations_and_shown_by_three() {
    let mut operations = calm(300);
    operations.push(ok(3, (20_090, 20_095), read(1, 199)));
    let found = violation(operations, "film 1 is linearizable");
    let actions: Vec<&Action> = found.operations.iter().map(|operation| &operation.action).collect();
    assert!(actions.contains(&&read(1, 199)), "{actions:?}");
    assert_eq!(actions.len(), 3, "{actions:?}");
}

#[test]
fn two_reads_during_a_change_may_not_disagree_about_its_order() {
    let operations =
        vec![ok(9, (10, 100), change(1, 7)), ok(1, (20, 30), read(1, 7)), ok(2, (40, 50), read(1, 0))];
    assert_eq!(violation(operations, "film 1 is linearizable").operations.len(), 3);
}

#[test]
fn a_stale_list_is_found_although_no_read_of_a_film_contradicts_it() {
    // The list shows the second change without the first.
    let operations =
        vec![ok(8, (10, 20), change(1, 7)), ok(9, (30, 60), change(2, 8)), ok(1, (15, 70), list(0, 8))];
    assert_eq!(violation(operations, "the list /films/ is linearizable").operations.len(), 3);
}

#[test]
fn a_client_that_sees_an_older_value_later_is_found() {
    let operations = vec![
        ok(9, (10, 20), change(1, 7)),
        ok(9, (30, 40), change(1, 8)),
        ok(1, (50, 60), list(8, 0)),
        ok(1, (70, 80), read(1, 7)),
    ];
    assert_eq!(violation(operations, "no client sees film 1 older").operations.len(), 4);
}

#[test]
fn a_value_that_nobody_wrote_is_found() {
    violation(vec![ok(1, (10, 20), read(1, 7))], "only values that a change wrote");
    violation(vec![ok(1, (10, 20), list(0, UNREADABLE))], "a list shows all of its films");
}

#[test]
fn a_change_with_an_unknown_outcome_may_have_its_effect_late_or_never() {
    let change = unknown(9, (10, 20), change(1, 7));
    let before = ok(1, (30, 40), read(1, 0));
    let after = ok(1, (50, 60), read(1, 7));
    assert_eq!(check(vec![change.clone(), before.clone()]), None);
    assert_eq!(check(vec![change.clone(), before.clone(), after.clone()]), None);
    let back = ok(2, (70, 80), read(1, 0));
    violation(vec![change, before, after, back], "film 1 is linearizable");
}

#[test]
fn a_client_goes_on_after_a_change_with_an_unknown_outcome() {
    let operations =
        vec![unknown(9, (10, 20), change(1, 7)), ok(9, (30, 60), change(1, 8)), ok(1, (70, 80), read(1, 7))];
    assert_eq!(check(operations), None, "the first change may come after the second");
}

#[test]
fn a_refused_request_is_found() {
    let refused = Operation { status: Some(404), ..ok(1, (10, 20), read(1, 0)) };
    violation(vec![refused], "never gets a response of 4xx");
}

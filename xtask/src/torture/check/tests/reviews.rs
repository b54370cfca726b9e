//! Reviews and their counts.

use super::super::super::history::{Operation, Outcome};
use super::histories::{check, count, ok, post, unknown, violation};

#[test]
fn counts_of_what_was_acknowledged_pass() {
    let operations = vec![
        ok(1, (10, 20), post(None)),
        ok(2, (15, 25), count(0)),
        ok(2, (30, 40), count(1)),
        ok(1, (35, 45), post(None)),
        ok(2, (50, 60), count(2)),
    ];
    assert_eq!(check(operations), None);
}

#[test]
fn a_lost_review_is_found_among_many_and_shown_by_three_operations() {
    let rounds = (1..=100).flat_map(|number| {
        let begin = number * 100;
        [ok(1, (begin, begin + 10), post(None)), ok(2, (begin + 20, begin + 30), count(number))]
    });
    let mut operations: Vec<Operation> = rounds.collect();
    operations.push(ok(1, (20_000, 20_010), post(None)));
    operations.push(ok(2, (20_020, 20_030), count(100)));
    assert_eq!(violation(operations, "includes all that were acknowledged").operations.len(), 3);
}

#[test]
fn a_count_that_goes_back_is_found() {
    let operations =
        vec![unknown(1, (10, 20), post(None)), ok(2, (30, 40), count(1)), ok(3, (50, 60), count(0))];
    assert_eq!(violation(operations, "acknowledged or seen before it").operations.len(), 2);
}

#[test]
fn a_review_with_an_unknown_outcome_is_counted_or_not() {
    for number in [0, 1] {
        assert_eq!(check(vec![unknown(1, (10, 20), post(None)), ok(2, (30, 40), count(number))]), None);
    }
    violation(vec![unknown(1, (10, 20), post(None)), ok(2, (30, 40), count(2))], "no more reviews");
}

#[test]
fn a_request_with_a_key_that_was_repeated_counts_once() {
    let sent = vec![unknown(1, (10, 20), post(Some("a"))), ok(1, (30, 40), post(Some("a")))];
    let counted = |number| [sent.clone(), vec![ok(2, (50, 60), count(number))]].concat();
    assert_eq!(check(counted(1)), None);
    violation(counted(2), "one for each key");
    violation(counted(0), "includes all that were acknowledged");
}

#[test]
fn a_review_that_failed_is_not_counted() {
    let failed = Operation { outcome: Outcome::Failed, ..ok(1, (10, 20), post(None)) };
    violation(vec![failed, ok(2, (30, 40), count(1))], "no more reviews");
}

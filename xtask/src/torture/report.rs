//! What a person reads after a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::check::Violation;
use super::history::{Action, Fault, History, List, Operation};

/// Nanoseconds of a microsecond.
const MICROSECOND: u64 = 1_000;

/// Returns how often each operation and each fault occurred.
pub(super) fn counts(history: &History) -> String {
    let mut operations: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for operation in &history.operations {
        operations.entry(operation.action.name()).or_default()[operation.outcome as usize] += 1;
    }
    let mut faults: BTreeMap<&str, usize> = BTreeMap::new();
    for Fault { kind, .. } in &history.faults {
        *faults.entry(kind).or_default() += 1;
    }
    let mut text = format!("{:24} {:>8} {:>8} {:>8}\n", "operation", "ok", "failed", "unknown");
    for (name, [ok, failed, unknown]) in operations {
        let _ = writeln!(text, "{name:24} {ok:8} {failed:8} {unknown:8}");
    }
    let _ = writeln!(text, "{:24} {:>8}", "fault", "count");
    for (name, count) in faults {
        let _ = writeln!(text, "{name:24} {count:8}");
    }
    text
}

/// Returns a violation as a table, with times in microseconds since the first operation of the table. The faults
/// that came meanwhile stand below.
pub(super) fn violation(violation: &Violation, history: &History) -> String {
    let Violation { rule, operations } = violation;
    let mut operations: Vec<&Operation> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.invoked);
    let begin = operations.first().map_or(0, |operation| operation.invoked);
    let end = operations.iter().map(|operation| operation.returned).max().unwrap_or_default();
    let since = |time: u64| time.saturating_sub(begin) / MICROSECOND;
    let mut text = format!("Violation (seed {}): {rule}\n", history.run.seed);
    let _ = writeln!(text, "{:>10} {:>10}  {:10} {:8} operation", "invoked", "returned", "client", "outcome");
    for operation in operations {
        let Operation { client, invoked, returned, outcome, instance, .. } = operation;
        let at = instance.map_or_else(|| "by SQL".to_owned(), |instance| format!("at films {instance}"));
        let action = action(&operation.action, history);
        let (invoked, returned) = (since(*invoked), since(*returned));
        let outcome = format!("{outcome:?}").to_lowercase();
        let _ = writeln!(text, "{invoked:>10} {returned:>10}  client {client:<3} {outcome:8} {action} {at}");
    }
    for Fault { kind, target, began, ended } in &history.faults {
        if *ended >= begin && *began <= end {
            let _ = writeln!(text, "{:>10} {:>10}  fault {kind}: {target}", since(*began), since(*ended));
        }
    }
    text
}

fn action(action: &Action, history: &History) -> String {
    let conditional = |is: &bool| if *is { ", If-None-Match" } else { "" };
    match action {
        Action::ChangeFilm { film, value } => format!("film {film} := {value}"),
        Action::ReadFilm { film, conditional: is, value } => {
            format!("film {film} is {value}{}", conditional(is))
        }
        Action::ReadList { list, conditional: is, values } => {
            let List { path, films } = &history.run.lists[*list];
            let values: Vec<String> =
                films.iter().zip(values).map(|(film, value)| format!("{film}:{value}")).collect();
            format!("{path} is {}{}", values.join(" "), conditional(is))
        }
        Action::PostReview { film, rating, key: None } => {
            format!("review of film {film} with rating {rating}")
        }
        Action::PostReview { film, rating, key: Some(key) } => {
            format!("review of film {film} with rating {rating} and key {key}")
        }
        Action::ReadReviews { film, conditional: is, counts } => {
            format!("film {film} has reviews {counts:?}{}", conditional(is))
        }
        Action::CountReviews { film, counts } => format!("film {film} has reviews {counts:?}"),
    }
}

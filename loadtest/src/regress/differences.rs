//! What else than the servers differs between two runs, in words.

use std::collections::BTreeSet;

use crate::result::Run;

/// How a run was made, in a word.
type Condition = fn(&Run) -> String;

pub(super) fn differences(a: &Run, b: &Run) -> Vec<String> {
    let mut all = conditions(a, b);
    let names: BTreeSet<&String> = a.facts.keys().chain(b.facts.keys()).collect();
    all.extend(names.into_iter().filter_map(|name| {
        let fact = |run: &Run| run.facts.get(name).cloned().unwrap_or_else(|| "unknown".to_owned());
        told(name, &fact(a), &fact(b))
    }));
    for (name, run) in [("first", a), ("second", b)] {
        if run.interrupted {
            all.push(format!("The {name} run was interrupted"));
        }
    }
    all
}

/// Where any of these differ, so may the figures, with the same server.
fn conditions(a: &Run, b: &Run) -> Vec<String> {
    let of: [(&str, Condition); 12] = [
        ("processor", |run| run.machine.cpu.clone()),
        ("cores", |run| run.machine.cores.to_string()),
        ("memory, bytes", |run| run.machine.memory.to_string()),
        ("kernel", |run| run.machine.kernel.clone()),
        ("generator", |run| run.generator.clone()),
        ("workload", |run| run.options.workload.clone()),
        ("seconds of a round", |run| run.options.seconds.to_string()),
        ("seconds of warm-up", |run| run.options.warmup_seconds.to_string()),
        ("rounds", |run| run.options.rounds.to_string()),
        ("connections", |run| run.options.connections.to_string()),
        ("threads of the generator", |run| run.options.threads.to_string()),
        ("given load, requests/s", |run| run.options.rate.map_or("none".to_owned(), |rate| rate.to_string())),
    ];
    of.iter().filter_map(|(name, of)| told(name, &of(a), &of(b))).collect()
}

fn told(name: &str, a: &str, b: &str) -> Option<String> {
    (a != b).then(|| format!("{name}: {a} in the first, {b} in the second"))
}

//! How it was measured, and what such a table cannot say.

use crate::result::{Run, Target};

use super::document::Block;
use super::figures::{bytes, count, whole};

pub(super) fn measured(run: &Run) -> Vec<Block> {
    let mut lines = vec![
        format!("Workload “{}”, {}", run.options.workload, load(run)),
        format!(
            "{} of {} s for each route and target, after a warm-up of {} s; the targets took turns, and their order rotated from round to round",
            count(run.options.rounds, "round"),
            run.options.seconds,
            run.options.warmup_seconds
        ),
        format!("Generator: {}, on {}", run.generator, count(run.options.threads as u64, "thread")),
        format!(
            "Machine of the generator: {}, {}, {}, kernel {}",
            run.machine.cpu,
            count(run.machine.cores as u64, "core"),
            bytes(run.machine.memory),
            run.machine.kernel
        ),
        format!("From {} to {}", run.started, run.finished),
    ];
    lines.extend(run.targets.iter().map(|target| format!("{}: {}", target.name, target.url)));
    lines.extend(run.facts.iter().map(|(name, value)| format!("{name}: {value}")));
    vec![Block::Heading("How it was measured".to_owned()), Block::List(lines)]
}

fn load(run: &Run) -> String {
    let connections = run.options.connections;
    match run.options.rate {
        Some(rate) => format!(
            "an open loop: {} requests a second arrive, sent by at most {}",
            whole(u64::from(rate)),
            count(connections, "user")
        ),
        None => format!("a closed loop over {}", count(connections, "connection")),
    }
}

pub(super) fn limits(run: &Run) -> Vec<Block> {
    let mut lines = vec![
        "The intervals cover how these rounds scatter. They know nothing of another machine, another day or another \
         build."
            .to_owned(),
        format!(
            "It is one workload at {}. Other requests, more connections or a larger database may rank the targets \
             otherwise.",
            count(run.options.connections, if run.options.rate.is_some() { "user" } else { "connection" })
        ),
        "Targets are compared as they were configured for this run; a figure belongs to that configuration, not to a \
         language or a framework."
            .to_owned(),
    ];
    lines.extend(shared(run));
    lines.extend(ceiling(run));
    lines.extend(beside(run));
    vec![Block::Heading("What this cannot say".to_owned()), Block::List(lines)]
}

/// Servers at a loopback address compete with the generator.
fn shared(run: &Run) -> Option<String> {
    let local: Vec<_> =
        run.targets.iter().filter(|target| is_local(target)).map(|target| target.name.as_str()).collect();
    (!local.is_empty()).then(|| {
        format!(
            "The generator ran on the same machine as {}: they took CPU time from one another, and there was no \
             network between them.",
            local.join(", ")
        )
    })
}

fn is_local(target: &Target) -> bool {
    let host = target.url.split_once("://").map_or(target.url.as_str(), |(_, rest)| rest);
    ["127.", "localhost:", "localhost/", "[::1]"].iter().any(|local| host.starts_with(local))
        || host == "localhost"
}

fn ceiling(run: &Run) -> Option<String> {
    let name = run.options.ceiling.as_deref()?;
    Some(format!(
        "{name} has no database. It shows where HTTP and the generator end on this machine; what comes near it is \
         limited by them, and its own figure is no goal for a server that does real work."
    ))
}

fn beside(run: &Run) -> Option<String> {
    (!run.beside.is_empty()).then(|| {
        "Figures beside were taken by another tool at another moment, once: they are a landmark, without a spread."
            .to_owned()
    })
}

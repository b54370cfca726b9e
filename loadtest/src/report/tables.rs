//! The tables after the first: spread, latency, resources, and what a given load met.

use std::collections::{BTreeMap, BTreeSet};

use crate::result::{Latency, Round, Run};
use crate::stats::Spread;
use crate::summary::Summary;

use super::document::{Block, Cell, Table};
use super::figures::{bytes, number, range, whole};

/// What is written where nothing is known.
const UNKNOWN: &str = "–";

pub(super) fn spread(summaries: &[Summary<'_>]) -> Vec<Block> {
    let row = |summary: &Summary<'_>| {
        vec![
            number(summary.rate.median).into(),
            range(summary.rate).into(),
            summary.row.rounds.len().to_string().into(),
        ]
    };
    section("Spread of requests/s", &["median", "min–max", "rounds"], summaries, row)
}

pub(super) fn latency(run: &Run, summaries: &[Summary<'_>]) -> Vec<Block> {
    let row = |summary: &Summary<'_>| {
        let of: [fn(&Latency) -> f64; 5] = [|l| l.p50, |l| l.p90, |l| l.p99, |l| l.p999, |l| l.max];
        of.iter().map(|of| median(summary, |round| Some(of(&round.latency_ms))).into()).collect()
    };
    let mut blocks = section("Latency, ms", &["p50", "p90", "p99", "p99.9", "max"], summaries, row);
    blocks.push(Block::Text(omission(run).to_owned()));
    blocks
}

/// What the latencies of this kind of load leave out.
pub(super) fn omission(run: &Run) -> &'static str {
    if run.options.rate.is_some() {
        "Medians over rounds. Requests arrived at a given rate; those that could not be sent in time are counted as \
         dropped and have no latency."
    } else {
        "Medians over rounds. The loop is closed: a connection sends its next request after the last answer, so a \
         slow answer also delays the requests that would show it. These latencies are not corrected for \
         coordinated omission, and a server under more load looks better here than to its users."
    }
}

/// CPU and memory, where any of it is known.
pub(super) fn resources(summaries: &[Summary<'_>]) -> Vec<Block> {
    let rounds = || summaries.iter().flat_map(|summary| &summary.row.rounds);
    let observed: BTreeSet<&String> = rounds().flat_map(|round| round.observed_cores.keys()).collect();
    let mut head =
        vec!["CPU-s per 1,000 requests".to_owned(), "peak memory".to_owned(), "generator, cores".to_owned()];
    head.extend(observed.iter().map(|name| format!("{name}, cores")));
    let row = |summary: &Summary<'_>| {
        let mut cells = vec![
            summary.cpu_per_1000.map_or_else(|| UNKNOWN.to_owned(), number).into(),
            summary.peak_memory.map_or_else(|| UNKNOWN.to_owned(), bytes).into(),
            median(summary, |round| Some(round.generator_cores)).into(),
        ];
        cells.extend(
            observed
                .iter()
                .map(|name| median(summary, |round| round.observed_cores.get(*name).copied()).into()),
        );
        cells
    };
    let mut blocks = section("CPU and memory", &head, summaries, row);
    let mut text =
        "The server's CPU time and memory are those of its processes, without the database. Peak memory \
                    is the sum of their largest resident sizes so far; pages that they share count for each."
            .to_owned();
    if summaries.iter().any(|summary| summary.cpu_per_1000.is_none()) {
        text += " “–” stands where they cannot be seen: on another machine, in another pod.";
    }
    blocks.push(Block::Text(text));
    blocks
}

/// Dropped iterations and broken thresholds, of workloads that have them.
pub(super) fn load(run: &Run, summaries: &[Summary<'_>]) -> Vec<Block> {
    let told = |round: &Round| round.dropped > 0 || !round.failed_thresholds.is_empty();
    if run.options.rate.is_none() && !run.rows.iter().flat_map(|row| &row.rounds).any(told) {
        return Vec::new();
    }
    let row = |summary: &Summary<'_>| vec![dropped(summary).into(), broken(summary).into()];
    section("Was the load met?", &["dropped iterations", "broken thresholds"], summaries, row)
}

fn dropped(summary: &Summary<'_>) -> String {
    let dropped: u64 = summary.row.rounds.iter().map(|round| round.dropped).sum();
    let sent: u64 = summary.row.rounds.iter().map(|round| round.requests).sum();
    let share = 100.0 * dropped as f64 / (dropped + sent).max(1) as f64;
    if dropped == 0 { "0".to_owned() } else { format!("{} ({share:.1} %)", whole(dropped)) }
}

fn broken(summary: &Summary<'_>) -> String {
    let mut rounds: BTreeMap<&str, usize> = BTreeMap::new();
    for threshold in summary.row.rounds.iter().flat_map(|round| &round.failed_thresholds) {
        *rounds.entry(threshold).or_default() += 1;
    }
    let all = summary.row.rounds.len();
    let words: Vec<_> =
        rounds.iter().map(|(name, count)| format!("{name} in {count} of {all} rounds")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

fn median(summary: &Summary<'_>, of: impl Fn(&Round) -> Option<f64>) -> String {
    let spread = Spread::of(summary.row.rounds.iter().filter_map(of));
    spread.map_or_else(|| UNKNOWN.to_owned(), |spread| number(spread.median))
}

/// A heading and a table with a line for each row of the run.
fn section(
    heading: &str,
    figures: &[impl AsRef<str>],
    summaries: &[Summary<'_>],
    row: impl Fn(&Summary<'_>) -> Vec<Cell>,
) -> Vec<Block> {
    let head = ["route", "target"].into_iter().chain(figures.iter().map(AsRef::as_ref));
    let rows = summaries.iter().map(|summary| {
        let names = [summary.row.route.as_str().into(), summary.row.target.as_str().into()];
        names.into_iter().chain(row(summary)).collect()
    });
    let table = Table { words: 2, head: head.map(str::to_owned).collect(), rows: rows.collect() };
    vec![Block::Heading(heading.to_owned()), Block::Table(table)]
}

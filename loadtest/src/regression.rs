//! Compares two runs: is the second slower by more than the scatter of its rounds explains?

use std::collections::BTreeSet;
use std::fmt;

use crate::format::{self, count, number};
use crate::report::blocks::{Block, Cell, Table};
use crate::report::render_markdown;
use crate::result::{Round, Row, Run};
use crate::stats::{Ratio, unpaired_ratio};
use crate::summary::{Flag, Summaries, Summary};

/// The comparison of two runs.
#[derive(Debug)]
pub struct Comparison {
    findings: Vec<Finding>,
    report: String,
}

#[derive(Debug)]
enum Finding {
    Same(Ratio),
    Faster(Ratio),
    Slower(Ratio),
    /// Requests or thresholds fail that did not fail in the first run.
    Broken(String),
    NotJudged(String),
}

/// Compares the second run with the first. A slowdown within `tolerance` (0.05 is 5 %), within the scatter
/// of the rounds or within the noise of a run is no regression.
pub fn compare(first: &Run, second: &Run, tolerance: f64) -> Comparison {
    let open_loop = first.options.rate.is_some() && second.options.rate.is_some();
    let (a, b) = (Summaries::of(first), Summaries::of(second));
    let (mut findings, mut rows) = (Vec::new(), Vec::new());
    for in_b in &b.rows {
        let Row { route, target, .. } = in_b.row;
        let Some(in_a) = a.get(route, target) else { continue };
        let noise = a.noise(route).and_then(|first| Ok(first.max(b.noise(route)?)));
        let finding = finding(in_a, in_b, open_loop, tolerance, noise);
        let [words, ratio] = finding.cells();
        rows.push([route.clone(), target.clone(), words, ratio].map(Cell::from).into());
        findings.push(finding);
    }
    let quantity = if open_loop { "p99, first / second" } else { "requests/s, second / first" };
    let head = ["route", "target", "finding", quantity].map(str::to_owned).to_vec();
    let mut comparison = Comparison { findings, report: String::new() };
    let mut blocks = vec![
        Block::Title("The second run compared with the first".to_owned()),
        Block::Text(comparison.verdict()),
        Block::Table(Table { words: 3, head, rows }),
        Block::Text(format!(
            "Below 1 the second run is slower. A regression is an interval (95 %), widened by the noise of the two runs, \
             that ends below {}.",
            number(1.0 - tolerance)
        )),
    ];
    for (heading, lines) in [
        ("Only in the first run", missing(&a, &b)),
        ("Only in the second run", missing(&b, &a)),
        ("Other differences between the runs", differences(first, second)),
    ] {
        if !lines.is_empty() {
            blocks.extend([Block::Heading(heading.to_owned()), Block::List(lines)]);
        }
    }
    comparison.report = render_markdown(&blocks);
    comparison
}

/// Returns the rows that the other run lacks.
fn missing(summaries: &Summaries<'_>, other: &Summaries<'_>) -> Vec<String> {
    let rows = summaries.rows.iter().map(|summary| summary.row);
    let missing = rows.filter(|row| other.get(&row.route, &row.target).is_none());
    missing.map(|row| format!("{}, {}", row.target, row.route)).collect()
}

fn finding(
    a: &Summary<'_>,
    b: &Summary<'_>,
    open_loop: bool,
    tolerance: f64,
    noise: Result<f64, String>,
) -> Finding {
    let is_broken = |summary: &Summary<'_>| {
        summary.flags.iter().any(|flag| matches!(flag, Flag::Errors(_) | Flag::Threshold(_)))
    };
    if is_broken(b) && !is_broken(a) {
        return Finding::Broken(b.reasons());
    }
    for (name, summary) in [("first", a), ("second", b)] {
        if !summary.flags.is_empty() {
            return Finding::NotJudged(format!("flagged in the {name} run: {}", summary.reasons()));
        }
    }
    let noise = match noise {
        Ok(noise) => noise,
        Err(why) => return Finding::NotJudged(why),
    };
    match unpaired_ratio(&speeds(b.row, open_loop), &speeds(a.row, open_loop)) {
        Some(ratio) if ratio.widened(noise).high < 1.0 - tolerance => Finding::Slower(ratio),
        Some(ratio) if ratio.widened(noise).low > 1.0 + tolerance => Finding::Faster(ratio),
        Some(ratio) => Finding::Same(ratio),
        None => Finding::NotJudged(
            "a ratio takes at least two rounds with successful responses in each run".to_owned(),
        ),
    }
}

/// Returns a figure for each round, of which more is better. With a given load, only the latency
/// tells how fast the server is.
fn speeds(row: &Row, open_loop: bool) -> Vec<f64> {
    let p99 = |round: &Round| 1.0 / round.latency_ms.p99;
    row.rounds.iter().map(if open_loop { p99 } else { Round::rate }).collect()
}

/// Returns what else differs between the runs, in words.
fn differences(first: &Run, second: &Run) -> Vec<String> {
    let conditions = conditions(first).into_iter().zip(conditions(second));
    let conditions = conditions.map(|((name, a), (_, b))| (name, a, b));
    let names: BTreeSet<&String> = first.metadata.keys().chain(second.metadata.keys()).collect();
    let metadata = names.into_iter().map(|name| {
        let of = |run: &Run| run.metadata.get(name).cloned().unwrap_or_else(unknown);
        (name.as_str(), of(first), of(second))
    });
    let differing = conditions.chain(metadata).filter(|(_, a, b)| a != b);
    let mut lines: Vec<_> =
        differing.map(|(name, a, b)| format!("{name}: {a} in the first, {b} in the second")).collect();
    for (name, run) in [("first", first), ("second", second)] {
        if run.interrupted {
            lines.push(format!("The {name} run was interrupted"));
        }
    }
    lines
}

/// Returns the conditions of a run. If they differ, so may the figures of the same server.
pub(crate) fn conditions(run: &Run) -> [(&'static str, String); 13] {
    let Run { machine, options, .. } = run;
    [
        ("processor", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory, bytes", machine.memory.map_or_else(unknown, |bytes| bytes.to_string())),
        ("kernel", machine.kernel.clone().unwrap_or_else(unknown)),
        ("generator", run.generator.clone()),
        ("workload", options.workload.clone()),
        ("seconds of a round", options.seconds.to_string()),
        ("seconds of warm-up", options.warmup_seconds.to_string()),
        ("rounds", options.rounds.to_string()),
        ("connections", options.connections.to_string()),
        ("threads of the generator", options.threads.to_string()),
        ("given load, requests/s", options.rate.map_or("none".to_owned(), |rate| rate.to_string())),
        ("burners", options.burners.to_string()),
    ]
}

fn unknown() -> String {
    "unknown".to_owned()
}

impl Comparison {
    /// Tells whether a row is slower by more than tolerance and noise, or has begun to fail.
    pub fn has_regressed(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding, Finding::Slower(_) | Finding::Broken(_)))
    }

    /// Returns the number of rows that could be compared. If none could, "no regression" means nothing.
    pub fn judged(&self) -> usize {
        self.findings.iter().filter(|finding| !matches!(finding, Finding::NotJudged(_))).count()
    }

    fn verdict(&self) -> String {
        if self.has_regressed() {
            return "Regressed.".to_owned();
        }
        match self.judged() {
            0 => "No row could be judged, so there is no verdict.".to_owned(),
            judged => format!("No regression in {}.", count(judged as u64, "judged row")),
        }
    }
}

/// Shows the comparison as Markdown.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}

impl Finding {
    /// Returns the finding and its ratio in words.
    fn cells(&self) -> [String; 2] {
        let (ratio, words) = match self {
            Self::Same(ratio) => (Some(*ratio), "no difference beyond noise and tolerance".to_owned()),
            Self::Faster(ratio) => (Some(*ratio), "faster".to_owned()),
            Self::Slower(ratio) => (Some(*ratio), "SLOWER".to_owned()),
            Self::Broken(why) => (None, format!("BROKEN since the first run: {why}")),
            Self::NotJudged(why) => (None, format!("not judged: {why}")),
        };
        [words, ratio.map_or_else(|| "–".to_owned(), format::ratio)]
    }
}

#[cfg(test)]
mod tests;

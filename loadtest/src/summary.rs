//! What follows from a run: medians, marks, ratios. A row that measured something else than its
//! server carries a mark, and no ratio is made with it.

use std::fmt;

use crate::result::{Round, Row, Run};
use crate::stats::{Ratio, Spread, paired_ratio};

/// Share of its threads' time from which the generator counts as the bottleneck.
const GENERATOR_BUSY: f64 = 0.95;

/// Share of the machine from which an observed process (the database) counts as the bottleneck.
const OBSERVED_BUSY: f64 = 0.95;

/// Share of the ceiling's throughput from which nothing can be said of the server any more.
const AT_CEILING: f64 = 0.97;

/// One row of the report.
#[derive(Clone, Debug)]
pub struct Summary<'a> {
    /// What was measured.
    pub row: &'a Row,
    /// Good answers a second.
    pub rate: Spread,
    /// The 99th percentile of the time to an answer, in milliseconds.
    pub p99: Spread,
    /// Median CPU-seconds of the server for 1,000 requests, where it could be seen.
    pub cpu_per_1000: Option<f64>,
    /// Largest memory of the server, in bytes, where it could be seen.
    pub peak_memory: Option<u64>,
    /// Why the row's figure is not its server's.
    pub marks: Vec<Mark>,
    /// To the run's reference, where one can be claimed.
    pub ratio: Option<Ratio>,
}

/// Why a figure is not what it seems.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// So many answers or connections went wrong.
    Errors(u64),
    /// The generator had no more time to give.
    Generator(f64),
    /// This observed process had no more time to get.
    Observed(String),
    /// It is as fast as the server that does nothing.
    AtCeiling,
    /// This threshold of the workload did not hold.
    Threshold(String),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors(count) => write!(f, "{count} bad answers or broken connections"),
            Self::Generator(cores) => write!(f, "the generator was busy all the time ({cores:.2} cores)"),
            Self::Observed(name) => write!(f, "{name} was busy all the time"),
            Self::AtCeiling => write!(f, "as fast as the ceiling: HTTP or the generator is the limit"),
            Self::Threshold(name) => write!(f, "threshold broken: {name}"),
        }
    }
}

/// Every row that has a figure, in the run's order: by route, then by target.
pub fn summarize(run: &Run) -> Vec<Summary<'_>> {
    let mut summaries: Vec<Summary<'_>> = run.rows.iter().filter_map(|row| summary(run, row)).collect();
    let ratios: Vec<_> = summaries.iter().map(|summary| to_reference(run, summary, &summaries)).collect();
    for (summary, ratio) in summaries.iter_mut().zip(ratios) {
        summary.ratio = ratio;
    }
    summaries
}

/// The ratio of one target to another on one route, where neither is marked.
pub fn ratio(summaries: &[Summary<'_>], route: &str, over: &str, under: &str) -> Option<Ratio> {
    let find = |target| {
        let found =
            summaries.iter().find(|summary| summary.row.route == route && summary.row.target == target);
        found.filter(|summary| summary.marks.is_empty())
    };
    let (over, under) = (find(over)?, find(under)?);
    // By the number of the round: an interrupted run may have one more of one target.
    paired_ratio(over.row.rounds.iter().filter_map(|a| {
        let b = under.row.rounds.iter().find(|b| b.round == a.round)?;
        Some((a.rate(), b.rate()))
    }))
}

fn to_reference(run: &Run, summary: &Summary<'_>, all: &[Summary<'_>]) -> Option<Ratio> {
    let reference = run.options.reference.as_deref().filter(|name| *name != summary.row.target)?;
    ratio(all, &summary.row.route, &summary.row.target, reference)
}

fn summary<'a>(run: &Run, row: &'a Row) -> Option<Summary<'a>> {
    let rounds = || row.rounds.iter();
    let rate = Spread::of(rounds().map(Round::rate))?;
    let usage = || rounds().filter_map(|round| Some((round, round.server?)));
    Some(Summary {
        row,
        rate,
        p99: Spread::of(rounds().map(|round| round.latency_ms.p99))?,
        cpu_per_1000: Spread::of(
            usage().map(|(round, usage)| usage.cpu_seconds * 1000.0 / round.requests.max(1) as f64),
        )
        .map(|spread| spread.median),
        peak_memory: usage().map(|(_, usage)| usage.peak_memory).max(),
        marks: marks(run, row, rate),
        ratio: None,
    })
}

fn marks(run: &Run, row: &Row, rate: Spread) -> Vec<Mark> {
    let mut marks = Vec::new();
    let errors = row.rounds.iter().map(|round| round.errors.total()).sum();
    if errors > 0 {
        marks.push(Mark::Errors(errors));
    }
    let generator = Spread::of(row.rounds.iter().map(|round| round.generator_cores));
    if let Some(cores) = generator.map(|spread| spread.median)
        && cores >= GENERATOR_BUSY * run.options.threads as f64
    {
        marks.push(Mark::Generator(cores));
    }
    let names = row.rounds.iter().flat_map(|round| round.observed_cores.keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        let busy = Spread::of(row.rounds.iter().filter_map(|round| round.observed_cores.get(name).copied()));
        if busy.is_some_and(|busy| busy.median >= OBSERVED_BUSY * run.machine.cores as f64) {
            marks.push(Mark::Observed(name.clone()));
        }
    }
    if let Some(ceiling) = run.options.ceiling.as_deref().filter(|ceiling| *ceiling != row.target) {
        let top = run.rows.iter().find(|other| other.target == ceiling && other.route == row.route);
        let top = top.and_then(|top| Spread::of(top.rounds.iter().map(Round::rate)));
        if top.is_some_and(|top| rate.median >= AT_CEILING * top.median) {
            marks.push(Mark::AtCeiling);
        }
    }
    let failed = row.rounds.iter().flat_map(|round| &round.failed_thresholds);
    marks.extend(failed.collect::<std::collections::BTreeSet<_>>().into_iter().cloned().map(Mark::Threshold));
    marks
}

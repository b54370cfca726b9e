//! What follows from a run: medians, flags and ratios. A flag says why a figure is not the speed of
//! its server; no ratio is made with a flagged figure.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexSet;

use crate::format::{count, whole};
use crate::result::{Options, Round, Row, Run};
use crate::stats::{Ratio, Spread, paired_ratio};

/// Share of its threads' time from which the generator counts as the bottleneck.
const GENERATOR_BUSY: f64 = 0.95;

/// Share of the machine from which an observed process (the database) counts as the bottleneck.
const OBSERVED_BUSY: f64 = 0.95;

/// Share of the ceiling's throughput from which HTTP or the generator counts as the bottleneck.
const AT_CEILING: f64 = 0.97;

/// All rows of a run, summarized.
#[derive(Clone, Debug)]
pub(crate) struct Summaries<'a> {
    pub(crate) run: &'a Run,
    pub(crate) rows: Vec<Summary<'a>>,
}

/// A row of a run, summarized.
#[derive(Clone, Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) row: &'a Row,
    /// Successful responses a second.
    pub(crate) rate: Spread,
    /// 99th percentile of the latency in milliseconds.
    pub(crate) p99: Spread,
    /// Why the figure is not the speed of the server.
    pub(crate) flags: Vec<Flag>,
}

/// A reason why a figure is not the speed of its server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Flag {
    /// This number of requests failed.
    Errors(u64),
    /// The generator kept this number of cores busy, which is all that it may use.
    Generator(f64),
    /// This observed process kept the whole machine busy.
    Observed(String),
    /// The server is as fast as the server that does nothing.
    AtCeiling,
    /// This threshold of the workload did not hold.
    Threshold(String),
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors(count) => write!(f, "{count} error responses or broken connections"),
            Self::Generator(cores) => write!(f, "the generator was always busy ({cores:.2} cores)"),
            Self::Observed(name) => write!(f, "{name} was always busy"),
            Self::AtCeiling => write!(f, "as fast as the ceiling: HTTP or the generator is the limit"),
            Self::Threshold(rule) => write!(f, "threshold failed: {rule}"),
        }
    }
}

impl<'a> Summaries<'a> {
    /// Summarizes every row that has a round, in the order of the run: by route, then by target.
    pub(crate) fn of(run: &'a Run) -> Self {
        Self { run, rows: run.rows.iter().filter_map(|row| Summary::of(run, row)).collect() }
    }

    /// Returns the row of a route and a target.
    pub(crate) fn get(&self, route: &str, target: &str) -> Option<&Summary<'a>> {
        self.rows.iter().find(|summary| summary.row.route == route && summary.row.target == target)
    }

    /// Returns the row of a route and a target, or why its figure cannot be used.
    pub(crate) fn unflagged(&self, route: &str, target: &str) -> Result<&Summary<'a>, String> {
        let missing = || format!("there is no figure of a target “{target}” on a route “{route}”");
        let summary = self.get(route, target).ok_or_else(missing)?;
        if summary.flags.is_empty() {
            return Ok(summary);
        }
        Err(format!("{target} is flagged on {route}: {}", summary.reasons()))
    }

    /// Returns the ratio of two targets on a route, or why there is none.
    pub(crate) fn ratio(&self, route: &str, over: &str, under: &str) -> Result<Ratio, String> {
        let (over, under) = (self.unflagged(route, over)?, self.unflagged(route, under)?);
        // Joined by the number of the round: an interrupted run may have more rounds of one target.
        let pairs = over.row.rounds.iter().filter_map(|a| {
            let b = under.row.rounds.iter().find(|b| b.round == a.round)?;
            Some((a.rate(), b.rate()))
        });
        self.claim(pairs)
    }

    /// Returns how much of a difference is noise on a route: the factor by which the reference differs from
    /// itself, measured twice. It is 1 if the run has no such comparison. Returns an error if the second
    /// measurement has no ratio, because then any difference may be noise.
    pub(crate) fn noise(&self, route: &str) -> Result<f64, String> {
        let Options { reference, repeat, .. } = &self.run.options;
        let Some((reference, repeat)) = reference.as_deref().zip(repeat.as_deref()) else { return Ok(1.0) };
        let again = self.ratio(route, repeat, reference);
        again.map(Ratio::noise).map_err(|why| format!("the noise is unknown: {why}"))
    }

    /// Tells whether a ratio is a difference beyond the noise on its route.
    pub(crate) fn is_difference(&self, route: &str, ratio: Ratio) -> bool {
        self.noise(route).is_ok_and(|noise| ratio.widened(noise).is_difference())
    }

    /// Returns the ratio of a target to another tool's figure, or why there is none. The interval
    /// covers only the target's scatter.
    pub(crate) fn ratio_to_figure(&self, route: &str, over: &str, figure: f64) -> Result<Ratio, String> {
        let row = self.unflagged(route, over)?.row;
        self.claim(row.rounds.iter().map(|round| (round.rate(), figure)))
    }

    /// Returns the ratio of a row to the reference, or why there is none. Returns `None` if the row is
    /// the reference, if there is no reference, or in an open loop, which has no ratios at all.
    pub(crate) fn ratio_to_reference(
        &self,
        Row { route, target, .. }: &Row,
    ) -> Option<Result<Ratio, String>> {
        let reference = self.run.options.reference.as_deref().filter(|reference| reference != target)?;
        self.open_loop().is_none().then(|| self.ratio(route, target, reference))
    }

    /// Returns why a run with a given load has no ratios.
    pub(crate) fn open_loop(&self) -> Option<String> {
        let rate = whole(self.run.options.rate?.into());
        Some(format!(
            "the workload sends {rate} requests a second, so requests per second tell whether the server kept up, \
             not how fast it is"
        ))
    }

    /// Returns the names of all routes, in the order of the run.
    pub(crate) fn routes(&self) -> IndexSet<&'a str> {
        let external = self.run.external.iter().map(|external| external.route.as_str());
        self.run.rows.iter().map(|row| row.route.as_str()).chain(external).collect()
    }

    /// Returns the number of rounds in words. If the run was interrupted, the rows may differ.
    pub(crate) fn rounds(&self) -> String {
        let rounds = || self.rows.iter().map(|summary| summary.row.rounds.len() as u64);
        let (fewest, most) = (rounds().min().unwrap_or(0), rounds().max().unwrap_or(0));
        if fewest == most { count(most, "round") } else { format!("{fewest} to {}", count(most, "round")) }
    }

    fn claim(&self, pairs: impl Iterator<Item = (f64, f64)>) -> Result<Ratio, String> {
        let too_few = "a ratio takes at least two common rounds, with successful responses in each";
        self.open_loop().map_or(Ok(()), Err)?;
        paired_ratio(pairs).ok_or_else(|| too_few.to_owned())
    }
}

impl<'a> Summary<'a> {
    fn of(run: &Run, row: &'a Row) -> Option<Self> {
        let rate = Spread::of(row.rounds.iter().map(Round::rate))?;
        let p99 = Spread::of(row.rounds.iter().map(|round| round.latency_ms.p99))?;
        Some(Self { row, rate, p99, flags: flags(run, row, rate) })
    }

    /// Returns the median over the rounds that have the figure.
    pub(crate) fn median(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        Spread::of(self.row.rounds.iter().filter_map(figure)).map(|spread| spread.median)
    }

    /// Returns the flags in words.
    pub(crate) fn reasons(&self) -> String {
        self.flags.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

fn flags(run: &Run, row: &Row, rate: Spread) -> Vec<Flag> {
    let mut flags = Vec::new();
    let errors = row.rounds.iter().map(|round| round.errors.total()).sum();
    if errors > 0 {
        flags.push(Flag::Errors(errors));
    }
    if let Some(generator) = Spread::of(row.rounds.iter().map(|round| round.generator_cores))
        && generator.median >= GENERATOR_BUSY * run.options.threads as f64
    {
        flags.push(Flag::Generator(generator.median));
    }
    flags.extend(busy(run, row).map(Flag::Observed));
    if is_at_ceiling(run, row, rate) {
        flags.push(Flag::AtCeiling);
    }
    let failed: BTreeSet<_> = row.rounds.iter().flat_map(|round| &round.failed_thresholds).collect();
    flags.extend(failed.into_iter().cloned().map(Flag::Threshold));
    flags
}

/// Returns the observed processes that kept the whole machine busy.
fn busy(run: &Run, row: &Row) -> impl Iterator<Item = String> {
    let names: BTreeSet<_> = row.rounds.iter().flat_map(|round| round.observed_cores.keys()).collect();
    let limit = OBSERVED_BUSY * run.machine.cores as f64;
    let is_busy = move |name: &&String| {
        let cores = row.rounds.iter().filter_map(|round| round.observed_cores.get(*name).copied());
        Spread::of(cores).is_some_and(|cores| cores.median >= limit)
    };
    names.into_iter().filter(is_busy).cloned()
}

fn is_at_ceiling(run: &Run, row: &Row, rate: Spread) -> bool {
    let ceiling = run.options.ceiling.as_deref().filter(|ceiling| *ceiling != row.target);
    let is_ceiling = |other: &&Row| Some(other.target.as_str()) == ceiling && other.route == row.route;
    let ceiling = run.rows.iter().find(is_ceiling);
    ceiling
        .and_then(|ceiling| Spread::of(ceiling.rounds.iter().map(Round::rate)))
        .is_some_and(|ceiling| rate.median >= AT_CEILING * ceiling.median)
}

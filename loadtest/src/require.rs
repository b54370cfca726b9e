//! Thresholds for a run, like `films/quart one >= 10`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail, ensure};

use crate::report::claim;
use crate::report::figures;
use crate::result::Run;
use crate::stats::Ratio;
use crate::summary::summarize;

/// What must hold of a run: a ratio (`films/quart one >= 10`, where the second name may be a tool's
/// that stands beside) or a figure (`films one rps >= 1000`, `films one p99_ms <= 50`).
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    target: String,
    route: String,
    quantity: Quantity,
    bound: Bound,
    limit: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Quantity {
    RatioTo(String),
    Rate,
    P99,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// What became of a requirement, with the figures or the reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds(String),
    /// It does not.
    Fails(String),
    /// The run cannot tell. That is not good enough.
    Unclaimed(String),
}

impl Verdict {
    /// Only what is known to hold does.
    pub fn holds(&self) -> bool {
        matches!(self, Self::Holds(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds(words) => write!(f, "holds: {words}"),
            Self::Fails(words) => write!(f, "fails: {words}"),
            Self::Unclaimed(words) => write!(f, "cannot be claimed: {words}"),
        }
    }
}

impl Requirement {
    /// Whether it holds of a run.
    pub fn check(&self, run: &Run) -> Verdict {
        let verdict = match &self.quantity {
            Quantity::RatioTo(other) => self.ratio(run, other).map(|ratio| self.judge_ratio(ratio)),
            Quantity::Rate | Quantity::P99 => self.figure(run),
        };
        verdict.unwrap_or_else(Verdict::Unclaimed)
    }

    fn ratio(&self, run: &Run, other: &str) -> Result<Ratio, String> {
        let summaries = summarize(run);
        let is_target = run.targets.iter().any(|target| target.name == other);
        let beside = run.beside.iter().find(|beside| beside.name == other && beside.route == self.route);
        match beside.filter(|_| !is_target) {
            Some(beside) => {
                let figure = beside.requests_per_second;
                claim::ratio_to_figure(run, &summaries, &self.route, &self.target, figure)
            }
            None => claim::ratio(run, &summaries, &self.route, &self.target, other),
        }
    }

    /// The whole interval must hold: where the limit lies within, more rounds would have to tell.
    fn judge_ratio(&self, ratio: Ratio) -> Verdict {
        let words = figures::ratio(ratio);
        match (self.allows(ratio.low), self.allows(ratio.high)) {
            (true, true) => Verdict::Holds(words),
            (false, false) => Verdict::Fails(words),
            _ => Verdict::Unclaimed(format!(
                "{words}: the interval has {} inside; more rounds would narrow it",
                self.limit
            )),
        }
    }

    fn figure(&self, run: &Run) -> Result<Verdict, String> {
        let summaries = summarize(run);
        let summary = claim::unmarked(&summaries, &self.route, &self.target)?;
        let (spread, unit) = match self.quantity {
            Quantity::P99 => (summary.p99, "ms"),
            _ => (summary.rate, "requests/s"),
        };
        let rounds = figures::count(summary.row.rounds.len() as u64, "round");
        let words = format!(
            "{} {unit}, median of {rounds} ({})",
            figures::number(spread.median),
            figures::range(spread)
        );
        Ok(if self.allows(spread.median) { Verdict::Holds(words) } else { Verdict::Fails(words) })
    }

    fn allows(&self, figure: f64) -> bool {
        match self.bound {
            Bound::AtLeast => figure >= self.limit,
            Bound::AtMost => figure <= self.limit,
            Bound::Above => figure > self.limit,
            Bound::Below => figure < self.limit,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, route) = (&self.target, &self.route);
        match &self.quantity {
            Quantity::RatioTo(other) => write!(f, "{target}/{other} {route}"),
            Quantity::Rate => write!(f, "{target} {route} rps"),
            Quantity::P99 => write!(f, "{target} {route} p99_ms"),
        }?;
        let bound = BOUNDS.iter().find(|(_, bound)| *bound == self.bound).map_or("", |(sign, _)| sign);
        write!(f, " {bound} {}", self.limit)
    }
}

/// The longer signs first: `>=` begins with `>`.
const BOUNDS: [(&str, Bound); 4] =
    [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::Above), ("<", Bound::Below)];

impl FromStr for Requirement {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).with_context(|| {
            format!("“{text}” is no requirement like 'films/quart one >= 10', 'films one rps >= 1000' or 'films one p99_ms <= 50'")
        })
    }
}

fn parse(text: &str) -> Result<Requirement> {
    let (what, bound, limit) = BOUNDS
        .iter()
        .find_map(|(sign, bound)| text.split_once(sign).map(|(what, limit)| (what, *bound, limit.trim())))
        .context("it has none of >=, <=, > and <")?;
    let limit: f64 = limit.parse().with_context(|| format!("“{limit}” is not a number"))?;
    ensure!(limit.is_finite() && limit >= 0.0, "{limit} is not a number that a figure could reach");
    let words: Vec<&str> = what.split_whitespace().collect();
    let (target, route, quantity) =
        match (words.as_slice(), words.first().and_then(|first| first.split_once('/'))) {
            ([_, route], Some((target, other))) => (target, route, Quantity::RatioTo(other.to_owned())),
            ([target, route, "rps"], None) => (*target, route, Quantity::Rate),
            ([target, route, "p99_ms"], None) => (*target, route, Quantity::P99),
            ([_, _, figure], None) => bail!("“{figure}” is not a figure: rps and p99_ms are"),
            _ => bail!("before the sign stand TARGET/OTHER ROUTE, or TARGET ROUTE FIGURE"),
        };
    if let Quantity::RatioTo(other) = &quantity {
        ensure!(!target.is_empty() && !other.is_empty(), "a ratio has a name on either side of its slash");
        ensure!(target != other, "“{target}” is on both sides of the slash");
    }
    Ok(Requirement { target: target.to_owned(), route: (*route).to_owned(), quantity, bound, limit })
}

#[cfg(test)]
mod tests;

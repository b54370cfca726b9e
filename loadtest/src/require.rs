//! Requirements for a run, such as `films/quart one >= 10`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail, ensure};

use crate::format::{self, count, number, range};
use crate::measure::Plan;
use crate::result::{External, Run};
use crate::stats::Ratio;
use crate::summary::Summaries;

/// A condition that a run must meet: for a ratio (`films/quart one >= 10`, where the second name is
/// a target or another tool) or for a figure (`films one rps >= 1000`, `films one p99_ms <= 50`).
#[derive(Clone, Debug)]
pub struct Requirement {
    target: String,
    route: String,
    quantity: Quantity,
    sign: Sign,
    limit: f64,
}

/// A sign, and the comparison that it stands for.
type Sign = (&'static str, fn(&f64, &f64) -> bool);

#[derive(Clone, Debug)]
enum Quantity {
    RatioTo(String),
    Rate,
    P99,
}

/// The result of a check, with the figures or the reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The requirement holds.
    Holds(String),
    /// The requirement does not hold.
    Fails(String),
    /// The run cannot tell, which counts as a failure.
    Unclaimed(String),
}

impl Verdict {
    /// Tells whether the requirement certainly holds.
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
    /// Checks the requirement against a run.
    pub fn check(&self, run: &Run) -> Verdict {
        let summaries = Summaries::of(run);
        let verdict = match &self.quantity {
            Quantity::RatioTo(other) => {
                self.ratio(&summaries, other).map(|(ratio, noise)| self.judge(ratio, noise))
            }
            Quantity::Rate | Quantity::P99 => self.figure(&summaries),
        };
        verdict.unwrap_or_else(Verdict::Unclaimed)
    }

    /// Returns the ratio and the noise on its route.
    fn ratio(&self, summaries: &Summaries<'_>, other: &str) -> Result<(Ratio, f64), String> {
        let run = summaries.run;
        let is_target = run.targets.iter().any(|target| target.name == other);
        let external = run.external.iter().find(|tool| tool.name == other && tool.route == self.route);
        let ratio = match external.filter(|_| !is_target) {
            Some(tool) => summaries.ratio_to_figure(&self.route, &self.target, tool.requests_per_second),
            None => summaries.ratio(&self.route, &self.target, other),
        };
        Ok((ratio?, summaries.noise(&self.route)?))
    }

    /// Judges the whole interval, widened by the noise. If the limit lies inside, more rounds would have
    /// to tell.
    fn judge(&self, ratio: Ratio, noise: f64) -> Verdict {
        let mut words = format::ratio(ratio);
        if noise > 1.0 {
            let _ = write!(words, ", noise ±{:.0} %", (noise - 1.0) * 100.0);
        }
        let wide = ratio.widened(noise);
        match (self.allows(wide.low), self.allows(wide.high)) {
            (true, true) => Verdict::Holds(words),
            (false, false) => Verdict::Fails(words),
            _ => Verdict::Unclaimed(format!(
                "{words}: the limit {} is inside the interval and the noise; more rounds would narrow them",
                self.limit
            )),
        }
    }

    /// Refuses a requirement that a run of this plan could never meet, before the run begins.
    pub fn check_plan(&self, plan: &Plan, routes: &[String]) -> Result<()> {
        let route = &self.route;
        ensure!(
            routes.contains(route),
            "{self}: there is no route {route}: expected one of {}",
            routes.join(", ")
        );
        let mut names = vec![self.target.as_str()];
        if let Quantity::RatioTo(other) = &self.quantity {
            ensure!(
                plan.options.rate.is_none(),
                "{self}: an open loop has no ratios: expected rps or p99_ms"
            );
            let is_tool = |tool: &External| tool.name == *other && tool.route == *route;
            names.extend((!plan.external.iter().any(is_tool)).then_some(other.as_str()));
        }
        let targets: Vec<&str> = plan.targets.iter().map(|target| target.name.as_str()).collect();
        let missing = names.into_iter().find(|name| !targets.contains(name));
        missing.map_or(Ok(()), |name| {
            bail!("{self}: there is no target {name}: expected one of {}", targets.join(", "))
        })
    }

    fn figure(&self, summaries: &Summaries<'_>) -> Result<Verdict, String> {
        let summary = summaries.unflagged(&self.route, &self.target)?;
        let (spread, unit) = match self.quantity {
            Quantity::P99 => (summary.p99, "ms"),
            _ => (summary.rate, "requests/s"),
        };
        let rounds = count(summary.row.rounds.len() as u64, "round");
        let words = format!("{} {unit}, median of {rounds} ({})", number(spread.median), range(spread));
        Ok(if self.allows(spread.median) { Verdict::Holds(words) } else { Verdict::Fails(words) })
    }

    fn allows(&self, figure: f64) -> bool {
        (self.sign.1)(&figure, &self.limit)
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
        write!(f, " {} {}", self.sign.0, self.limit)
    }
}

/// The parser tries the longer signs first, because `>=` begins with `>`.
const SIGNS: [Sign; 4] = [(">=", f64::ge), ("<=", f64::le), (">", f64::gt), ("<", f64::lt)];

impl FromStr for Requirement {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).with_context(|| {
            format!(
                "“{text}”: expected a requirement such as 'films/quart one >= 10', 'films one rps >= 1000' or \
                 'films one p99_ms <= 50'"
            )
        })
    }
}

fn parse(text: &str) -> Result<Requirement> {
    let found = SIGNS.iter().find_map(|sign| Some((sign, text.split_once(sign.0)?)));
    let (sign, (subject, limit)) = found.context("expected one of the signs >=, <=, > and <")?;
    let limit = limit.trim();
    let limit: f64 = limit.parse().with_context(|| format!("“{limit}” is not a number"))?;
    ensure!(
        limit.is_finite() && limit >= 0.0,
        "{limit} is out of range: expected a finite number of at least 0"
    );
    let words: Vec<&str> = subject.split_whitespace().collect();
    let (target, route, quantity) =
        match (words.as_slice(), words.first().and_then(|first| first.split_once('/'))) {
            ([_, route], Some((target, other))) => (target, route, Quantity::RatioTo(other.to_owned())),
            ([target, route, "rps"], None) => (*target, route, Quantity::Rate),
            ([target, route, "p99_ms"], None) => (*target, route, Quantity::P99),
            ([_, _, figure], None) => bail!("there is no figure “{figure}”: expected rps or p99_ms"),
            _ => bail!("expected TARGET/OTHER ROUTE or TARGET ROUTE FIGURE before the sign"),
        };
    if let Quantity::RatioTo(other) = &quantity {
        ensure!(!target.is_empty() && !other.is_empty(), "expected a name on each side of the slash");
        ensure!(target != other, "expected different names, but “{target}” is on both sides of the slash");
    }
    Ok(Requirement { target: target.to_owned(), route: (*route).to_owned(), quantity, sign: *sign, limit })
}

#[cfg(test)]
mod tests;

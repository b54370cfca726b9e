//! Two runs side by side: is the second slower, beyond what its rounds scatter?

use std::fmt;

use crate::report::document::{Block, Cell, Table};
use crate::report::{claim, figures, render_markdown};
use crate::result::{Round, Row, Run};
use crate::stats::{Ratio, unpaired_ratio};
use crate::summary::{Mark, Summary, summarize};

mod differences;

/// What two runs say of one another.
#[derive(Clone, Debug)]
pub struct Comparison {
    tolerance: f64,
    open_loop: bool,
    lines: Vec<Line>,
    only_a: Vec<String>,
    only_b: Vec<String>,
    differences: Vec<String>,
}

#[derive(Clone, Debug)]
struct Line {
    route: String,
    target: String,
    finding: Finding,
}

#[derive(Clone, Debug)]
enum Finding {
    Same(Ratio),
    Faster(Ratio),
    Slower(Ratio),
    /// It answered well in the first run, and badly in the second.
    Broken(String),
    NotJudged(String),
}

/// Compares the second run with the first. Slower by no more than `tolerance` (0.05 is 5 %) is no
/// regression, and neither is what the rounds' scatter could explain.
pub fn compare(a: &Run, b: &Run, tolerance: f64) -> Comparison {
    let open_loop = a.options.rate.is_some() && b.options.rate.is_some();
    let (all_a, all_b) = (summarize(a), summarize(b));
    let lines = all_b.iter().filter_map(|in_b| {
        let in_a = claim::find(&all_a, &in_b.row.route, &in_b.row.target)?;
        let finding = finding(in_a, in_b, open_loop, tolerance);
        Some(Line { route: in_b.row.route.clone(), target: in_b.row.target.clone(), finding })
    });
    Comparison {
        tolerance,
        open_loop,
        lines: lines.collect(),
        only_a: only(&all_a, &all_b),
        only_b: only(&all_b, &all_a),
        differences: differences::differences(a, b),
    }
}

/// The rows of one run that the other lacks.
fn only(one: &[Summary<'_>], other: &[Summary<'_>]) -> Vec<String> {
    let missing =
        one.iter().filter(|summary| claim::find(other, &summary.row.route, &summary.row.target).is_none());
    missing.map(|summary| format!("{}, {}", summary.row.target, summary.row.route)).collect()
}

fn finding(a: &Summary<'_>, b: &Summary<'_>, open_loop: bool, tolerance: f64) -> Finding {
    let is_broken = |summary: &Summary<'_>| {
        summary.marks.iter().any(|mark| matches!(mark, Mark::Errors(_) | Mark::Threshold(_)))
    };
    if is_broken(b) && !is_broken(a) {
        return Finding::Broken(claim::marks(b));
    }
    for (name, summary) in [("first", a), ("second", b)] {
        if !summary.marks.is_empty() {
            return Finding::NotJudged(format!("marked in the {name} run: {}", claim::marks(summary)));
        }
    }
    match unpaired_ratio(&speeds(b.row, open_loop), &speeds(a.row, open_loop)) {
        Some(ratio) if ratio.high < 1.0 - tolerance => Finding::Slower(ratio),
        Some(ratio) if ratio.low > 1.0 + tolerance => Finding::Faster(ratio),
        Some(ratio) => Finding::Same(ratio),
        None => Finding::NotJudged("it takes two rounds with good answers in each run".to_owned()),
    }
}

/// More is better. Where the load was given, only the time to an answer tells of the server.
fn speeds(row: &Row, open_loop: bool) -> Vec<f64> {
    let p99 = |round: &Round| 1.0 / round.latency_ms.p99;
    row.rounds.iter().map(if open_loop { p99 } else { Round::rate }).collect()
}

impl Comparison {
    /// Something is slower beyond the tolerance and the noise, or no longer answers well.
    pub fn has_regressed(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.finding, Finding::Slower(_) | Finding::Broken(_)))
    }

    /// How many rows could be compared. Where it is none, the absence of a regression means nothing.
    pub fn judged(&self) -> usize {
        self.lines.iter().filter(|line| !matches!(line.finding, Finding::NotJudged(_))).count()
    }

    fn verdict(&self) -> String {
        if self.has_regressed() {
            return "Regressed.".to_owned();
        }
        match self.judged() {
            0 => "No row could be judged: this says nothing.".to_owned(),
            judged => format!("No regression in {}.", figures::count(judged as u64, "judged row")),
        }
    }

    fn table(&self) -> Table {
        let quantity = if self.open_loop { "p99, first / second" } else { "requests/s, second / first" };
        let head = ["route", "target", "finding", quantity].map(str::to_owned).to_vec();
        Table { words: 3, head, rows: self.lines.iter().map(Line::cells).collect() }
    }

    fn legend(&self) -> String {
        format!(
            "Below 1 the second run is slower. A regression is an interval (95 %) that ends below {}.",
            figures::number(1.0 - self.tolerance)
        )
    }
}

/// As Markdown.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blocks = vec![Block::Title("The second run beside the first".to_owned())];
        blocks.push(Block::Text(self.verdict()));
        blocks.push(Block::Table(self.table()));
        blocks.push(Block::Text(self.legend()));
        blocks.extend(section("Only in the first run", &self.only_a));
        blocks.extend(section("Only in the second run", &self.only_b));
        blocks.extend(section("The runs differ in more than their figures", &self.differences));
        f.write_str(&render_markdown(&blocks))
    }
}

impl Line {
    fn cells(&self) -> Vec<Cell> {
        let (ratio, finding) = match &self.finding {
            Finding::Same(ratio) => (Some(*ratio), "no difference beyond noise and tolerance".to_owned()),
            Finding::Faster(ratio) => (Some(*ratio), "faster".to_owned()),
            Finding::Slower(ratio) => (Some(*ratio), "SLOWER".to_owned()),
            Finding::Broken(why) => (None, format!("BROKEN, and was not: {why}")),
            Finding::NotJudged(why) => (None, format!("not judged: {why}")),
        };
        let ratio = ratio.map_or_else(|| "–".to_owned(), figures::ratio);
        [self.route.clone(), self.target.clone(), finding, ratio].map(Cell::from).into()
    }
}

fn section(heading: &str, lines: &[String]) -> Vec<Block> {
    if lines.is_empty() {
        return Vec::new();
    }
    vec![Block::Heading(heading.to_owned()), Block::List(lines.to_vec())]
}

#[cfg(test)]
mod tests;

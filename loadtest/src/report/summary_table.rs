//! The first table: a row for each target, a column for each route.

use indexmap::IndexSet;

use crate::format::{number, ratio, sign};
use crate::result::{Options, Row};
use crate::stats::Ratio;
use crate::summary::{Summaries, Summary};

use super::blocks::{Block, Cell, Table};

pub(super) fn blocks(summaries: &Summaries<'_>) -> Vec<Block> {
    let (run, routes) = (summaries.run, summaries.routes());
    let mut notes = IndexSet::new();
    let mut rows = Vec::new();
    for target in &run.targets {
        let cells = routes.iter().map(|route| match summaries.get(route, &target.name) {
            Some(summary) => cell(summaries, summary, &mut notes),
            None => "–".into(),
        });
        rows.push(std::iter::once(target.name.as_str().into()).chain(cells).collect());
    }
    let tools: IndexSet<&str> = run.external.iter().map(|external| external.name.as_str()).collect();
    rows.extend(tools.into_iter().map(|tool| external_row(summaries, tool)));
    let head = std::iter::once("requests/s").chain(routes).map(str::to_owned).collect();
    let mut blocks = vec![Block::Table(Table { words: 1, head, rows }), Block::Text(legend(summaries))];
    if !notes.is_empty() {
        let notes = notes.into_iter().enumerate();
        blocks.push(Block::Notes(notes.map(|(at, note)| format!("{} {note}", sign(at + 1))).collect()));
    }
    blocks
}

/// Returns the cell of a row. Footnotes that say the same share a sign.
fn cell(summaries: &Summaries<'_>, summary: &Summary<'_>, notes: &mut IndexSet<String>) -> Cell {
    let (remark, note) = match (note(summaries, summary), summaries.ratio_to_reference(summary.row)) {
        (Some(note), _) => (None, Some(note)),
        (None, Some(Ok(claimed))) => (Some(shown(summaries, summary, claimed)), None),
        (None, Some(Err(why))) => (None, Some(format!("No ratio: {why}."))),
        (None, None) => (None, None),
    };
    let signs = note.map_or_else(String::new, |note| sign(notes.insert_full(note).0 + 1));
    Cell { text: number(summary.rate.median), signs, remark }
}

/// Shows a ratio, and says if it is within the noise.
fn shown(summaries: &Summaries<'_>, summary: &Summary<'_>, claimed: Ratio) -> String {
    let Row { route, target, .. } = summary.row;
    let is_repeat = summaries.run.options.repeat.as_ref() == Some(target);
    let remark = if is_repeat || summaries.is_difference(route, claimed) { "" } else { ", within the noise" };
    format!("{}{remark}", ratio(claimed))
}

/// Returns the footnote of a flagged figure.
fn note(summaries: &Summaries<'_>, summary: &Summary<'_>) -> Option<String> {
    let claims = if summaries.open_loop().is_none() { "; no ratio is made with this figure" } else { "" };
    let (target, route) = (&summary.row.target, &summary.row.route);
    (!summary.flags.is_empty()).then(|| format!("{target}, {route}: {}{claims}.", summary.reasons()))
}

fn external_row(summaries: &Summaries<'_>, tool: &str) -> Vec<Cell> {
    let figure = |route: &str| {
        let mut figures = summaries.run.external.iter();
        let found = figures.find(|external| external.name == tool && external.route == route);
        found.map_or_else(|| "–".into(), |external| number(external.requests_per_second).into())
    };
    let name = Cell { remark: Some("another tool, not interleaved".to_owned()), ..tool.into() };
    std::iter::once(name).chain(summaries.routes().into_iter().map(figure)).collect()
}

fn legend(summaries: &Summaries<'_>) -> String {
    let median = format!("Median of {}", summaries.rounds());
    if let Some(why) = summaries.open_loop() {
        return format!("{median}. No ratio is shown: {why}. Compare the latencies instead.");
    }
    let Options { reference: Some(reference), repeat, .. } = &summaries.run.options else {
        return format!("{median}.");
    };
    let noise = match repeat {
        Some(repeat) => format!(
            "{repeat} is the same server, measured a second time in every round: its ratio is noise. A ratio whose \
             interval reaches into it is marked, because more rounds would have to tell."
        ),
        None => "The noise is unknown, because no server was measured twice.".to_owned(),
    };
    format!(
        "{median}, followed by the ratio to {reference} with its 95 % interval. The ratio is the geometric mean of the \
         ratios of the rounds, so it may differ a little from the ratio of the medians. {noise}"
    )
}

#[cfg(test)]
mod tests {
    use crate::report::markdown;
    use crate::result::sample;

    #[test]
    fn a_route_with_a_flagged_reference_has_no_ratio() {
        let mut run = sample();
        run.options.reference = Some("quart".to_owned());
        let report = markdown(&run);
        let why = "No ratio: quart is flagged on post: 7 error responses or broken connections.";
        assert_eq!(report.matches(why).count(), 1, "{report}");
    }

    #[test]
    fn a_single_round_has_no_ratio() {
        let mut run = sample();
        run.rows.iter_mut().for_each(|row| row.rounds.truncate(1));
        let report = markdown(&run);
        assert!(report.contains("a ratio takes at least two common rounds"), "{report}");
        assert!(!report.contains('×'), "{report}");
    }

    #[test]
    fn an_open_loop_has_no_ratio() {
        let mut run = sample();
        run.options.rate = Some(2000);
        let report = markdown(&run);
        assert!(report.contains("No ratio is shown: the workload sends 2,000 requests a second"), "{report}");
        assert!(!report.contains('×'), "{report}");
    }
}

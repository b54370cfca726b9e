//! The article's table: a row for each target, a column for each route.

use crate::result::Run;
use crate::summary::Summary;

use super::claim;
use super::document::{Block, Cell, Table, rounds};
use super::figures::{number, ratio, sign};

pub(super) fn head(run: &Run, summaries: &[Summary<'_>]) -> Vec<Block> {
    let routes = routes(run);
    let mut notes = Notes::default();
    let targets: Vec<_> = run
        .targets
        .iter()
        .map(|target| target_row(run, summaries, &routes, &target.name, &mut notes))
        .collect();
    let beside = tools(run).into_iter().map(|tool| beside_row(run, &routes, tool));
    let head = std::iter::once("requests/s").chain(routes.iter().copied()).map(str::to_owned).collect();
    let table = Table { words: 1, head, rows: targets.into_iter().chain(beside).collect() };
    let mut blocks = vec![Block::Table(table), Block::Text(legend(run))];
    if !notes.0.is_empty() {
        blocks.push(Block::Notes(notes.list()));
    }
    blocks
}

/// The routes in the order in which they first appear.
pub(super) fn routes(run: &Run) -> Vec<&str> {
    let all = run.rows.iter().map(|row| &row.route).chain(run.beside.iter().map(|beside| &beside.route));
    distinct(all.map(String::as_str))
}

fn tools(run: &Run) -> Vec<&str> {
    distinct(run.beside.iter().map(|beside| beside.name.as_str()))
}

fn distinct<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

fn target_row(
    run: &Run,
    summaries: &[Summary<'_>],
    routes: &[&str],
    target: &str,
    notes: &mut Notes,
) -> Vec<Cell> {
    let cells = routes.iter().map(|route| match claim::find(summaries, route, target) {
        Some(summary) => cell(run, summaries, summary, notes),
        None => "–".into(),
    });
    std::iter::once(target.into()).chain(cells).collect()
}

fn cell(run: &Run, summaries: &[Summary<'_>], summary: &Summary<'_>, notes: &mut Notes) -> Cell {
    let (aside, why) = match (claimed(run, summaries, summary), note(run, summary)) {
        (_, Some(why)) => (None, Some(why)),
        (Some(Ok(claimed)), None) => (Some(ratio(claimed)), None),
        (Some(Err(why)), None) => (None, Some(format!("No ratio: {why}."))),
        (None, None) => (None, None),
    };
    let signs = why.map_or_else(String::new, |why| notes.sign(why));
    Cell { text: number(summary.rate.median), signs, aside }
}

/// The ratio to the reference, where the run has one that this row can be divided by.
pub(super) fn claimed(
    run: &Run,
    summaries: &[Summary<'_>],
    summary: &Summary<'_>,
) -> Option<Result<crate::stats::Ratio, String>> {
    let (route, target) = (&summary.row.route, &summary.row.target);
    let reference = run.options.reference.as_deref().filter(|reference| reference != target)?;
    // Of a given load the legend says it once for the whole table.
    claim::open_loop(run).is_none().then(|| claim::ratio(run, summaries, route, target, reference))
}

/// A marked figure's footnote.
fn note(run: &Run, summary: &Summary<'_>) -> Option<String> {
    let (route, target) = (&summary.row.route, &summary.row.target);
    let claims = if run.options.rate.is_none() { "; no ratio is claimed with this figure" } else { "" };
    (!summary.marks.is_empty()).then(|| format!("{target}, {route}: {}{claims}.", claim::marks(summary)))
}

fn beside_row(run: &Run, routes: &[&str], tool: &str) -> Vec<Cell> {
    let figure = |route: &&str| {
        let found = run.beside.iter().find(|beside| beside.name == tool && beside.route == *route);
        found.map_or_else(|| "–".into(), |beside| number(beside.requests_per_second).into())
    };
    let name = Cell { aside: Some("beside, not interleaved".to_owned()), ..tool.into() };
    std::iter::once(name).chain(routes.iter().map(figure)).collect()
}

fn legend(run: &Run) -> String {
    let median = format!("Median of {}", rounds(run));
    if let Some(why) = claim::open_loop(run) {
        return format!("{median}. No ratio is shown: {why}. The latencies tell.");
    }
    match &run.options.reference {
        Some(reference) => format!(
            "{median}; beside it the ratio to {reference} with its 95 % interval. The ratio is the geometric mean of \
             the rounds' own ratios, so it may differ a little from that of the medians."
        ),
        None => format!("{median}."),
    }
}

/// Footnotes; those that say the same are one.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn sign(&mut self, note: String) -> String {
        let at = self.0.iter().position(|known| *known == note).unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        });
        sign(at + 1)
    }

    fn list(self) -> Vec<String> {
        self.0.into_iter().enumerate().map(|(at, note)| format!("{} {note}", sign(at + 1))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{markdown, sample};

    #[test]
    fn a_marked_reference_takes_every_ratio_of_its_route() {
        let mut run = sample();
        run.options.reference = Some("quart".to_owned());
        let report = markdown(&run);
        let why = "No ratio: quart is marked on post: 7 bad answers or broken connections.";
        assert_eq!(report.matches(why).count(), 1, "{report}");
    }

    #[test]
    fn one_round_claims_no_ratio() {
        let mut run = sample();
        run.rows.iter_mut().for_each(|row| row.rounds.truncate(1));
        let report = markdown(&run);
        assert!(report.contains("it takes at least two common rounds"), "{report}");
        assert!(!report.contains('×'), "{report}");
    }

    #[test]
    fn a_given_load_claims_no_ratio() {
        let mut run = sample();
        run.options.rate = Some(2000);
        let report = markdown(&run);
        assert!(
            report.contains("No ratio is shown: the load was given (2,000 requests a second"),
            "{report}"
        );
        assert!(!report.contains('×'), "{report}");
    }
}

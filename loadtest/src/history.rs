//! Shows several runs over time.

use std::collections::BTreeMap;

use indexmap::IndexSet;

use crate::format::{minute, number, ratio};
use crate::regression::conditions;
use crate::report::blocks::{Block, Cell, Chart, Kind, Line, Table};
use crate::report::{bar, render_html, render_markdown};
use crate::result::Run;
use crate::summary::{Summaries, Summary};

/// Several runs in the order of time, and the target to show.
#[derive(Debug)]
pub struct History {
    runs: Vec<Run>,
    target: String,
}

impl History {
    /// Sorts runs by their start. If `target` is omitted, the history shows the subject of the last run.
    pub fn of(mut runs: Vec<Run>, target: Option<&str>) -> Self {
        runs.sort_by(|a, b| a.started.cmp(&b.started));
        let last = runs.last().and_then(|run| run.options.subject.as_deref());
        let target = target.or(last).unwrap_or("films").to_owned();
        Self { runs, target }
    }

    /// Returns the history as Markdown.
    pub fn markdown(&self) -> String {
        render_markdown(&self.blocks())
    }

    /// Returns the history as an HTML page with charts.
    pub fn html(&self) -> String {
        render_html(&self.title(), &self.blocks())
    }

    fn title(&self) -> String {
        format!("{} over time", self.target)
    }

    fn blocks(&self) -> Vec<Block> {
        let summaries: Vec<_> = self.runs.iter().map(Summaries::of).collect();
        let routes: IndexSet<&str> = summaries.iter().flat_map(Summaries::routes).collect();
        let charts: Vec<_> = routes.iter().map(|route| self.chart(&summaries, route)).collect();
        let mut blocks = vec![
            Block::Title(self.title()),
            Block::Charts {
                heading: "Throughput".to_owned(),
                note: "Bars: median. Whiskers: slowest and fastest round. A hollow bar is flagged.".to_owned(),
                charts: charts.into_iter().filter(|chart| !chart.lines.is_empty()).collect(),
            },
            Block::Table(self.table(&summaries, &routes)),
            Block::Text(
                "Median of the rounds in requests/s, and the ratio to the reference of the run. Compare ratios: the \
                 figures also follow the machine. “report A B” judges two runs."
                    .to_owned(),
            ),
        ];
        let differences = self.differences();
        if !differences.is_empty() {
            blocks.extend([Block::Heading("What else changed".to_owned()), Block::List(differences)]);
        }
        blocks
    }

    fn chart(&self, summaries: &[Summaries<'_>], route: &str) -> Chart {
        let line = |summaries: &Summaries<'_>| {
            let summary = summaries.get(route, &self.target)?;
            Some(Line { label: name(summaries.run), ..bar(summary) })
        };
        let lines = summaries.iter().filter_map(line).collect();
        Chart { kind: Kind::Bar, route: route.to_owned(), requests: None, lines }
    }

    fn table(&self, summaries: &[Summaries<'_>], routes: &IndexSet<&str>) -> Table {
        let row = |summaries: &Summaries<'_>| {
            let figures = routes.iter().map(|route| match summaries.get(route, &self.target) {
                Some(summary) => cell(summaries, summary),
                None => "–".into(),
            });
            std::iter::once(name(summaries.run).into()).chain(figures).collect()
        };
        let head = std::iter::once("run").chain(routes.iter().copied()).map(str::to_owned).collect();
        Table { words: 1, head, rows: summaries.iter().map(row).collect() }
    }

    /// Returns the conditions in which each run differs from the run before.
    fn differences(&self) -> Vec<String> {
        let pairs = self.runs.iter().zip(self.runs.iter().skip(1));
        let changes = pairs.flat_map(|(before, after)| {
            let earlier = BTreeMap::from(conditions(before));
            let now = conditions(after).into_iter();
            now.filter_map(move |(what, value)| {
                let old = earlier.get(what).filter(|old| **old != value)?;
                Some(format!("{}: {what} {value}, before {old}", name(after)))
            })
        });
        changes.collect()
    }
}

/// Returns the name of a run: the run's start, and the commit if the run's metadata has one.
fn name(run: &Run) -> String {
    let date = minute(&run.started);
    run.metadata.get("commit").map_or(date.clone(), |commit| format!("{date} {commit:.7}"))
}

fn cell(summaries: &Summaries<'_>, summary: &Summary<'_>) -> Cell {
    let flagged = if summary.flags.is_empty() { "" } else { " (flagged)" };
    let claimed = summaries.ratio_to_reference(summary.row).and_then(Result::ok);
    Cell {
        text: format!("{}{flagged}", number(summary.rate.median)),
        remark: claimed.map(ratio),
        ..Cell::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    #[test]
    fn runs_are_in_the_order_of_time_with_what_changed() {
        let (first, mut second) = (sample(), sample());
        second.started = "2025-11-02T08:00:00Z".to_owned();
        second.machine.cores = 8;
        second.metadata.remove("commit");
        let history = History::of(vec![second, first], Some("films"));
        let text = history.markdown();
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| 2025")).collect();
        assert!(rows[0].starts_with("| 2025-10-18 09:00 0123abc | 24,410 · 26.8× (25.4–28.3) |"), "{text}");
        assert!(rows[1].starts_with("| 2025-11-02 08:00 | 24,410 ·"), "{text}");
        assert!(text.contains("- 2025-11-02 08:00: cores 8, before 4\n"), "{text}");
        assert_eq!(history.html().matches("<rect class=\"bar").count(), 3 * 2);
    }

    #[test]
    fn a_run_without_the_target_has_a_dash() {
        let history = History::of(vec![sample()], Some("django"));
        assert!(
            history.markdown().contains("| 2025-10-18 09:00 0123abc | – | – | – |"),
            "{}",
            history.markdown()
        );
    }
}

//! What the charts show. How they are drawn is in [`super::svg`].

use crate::result::Run;
use crate::stats::Spread;
use crate::summary::Summary;

use super::document::Block;
use super::figures::{number, range, ratio};
use super::head;

/// One chart: a route, with a line for each target.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(super) kind: Kind,
    pub(super) route: String,
    pub(super) unit: &'static str,
    pub(super) lines: Vec<Line>,
}

/// What figures are drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bar from zero.
    Bar,
    /// p50, p90 and p99.
    Percentiles,
    /// A dot beside the line of the reference.
    Ratio,
}

/// One target on a chart.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    /// The figures in words.
    pub(super) text: String,
    pub(super) points: Vec<f64>,
    pub(super) whisker: Option<(f64, f64)>,
    /// It is not to be compared like the others: marked, or of another tool.
    pub(super) hollow: bool,
}

pub(super) fn charts(run: &Run, summaries: &[Summary<'_>]) -> Vec<Block> {
    let mut blocks = vec![throughput(run, summaries)];
    blocks.extend(ratios(run, summaries));
    blocks.push(latency(run, summaries));
    blocks
}

fn throughput(run: &Run, summaries: &[Summary<'_>]) -> Block {
    let lines = |route: &str| {
        let measured = of_route(summaries, route).map(|summary| Line {
            label: label(summary),
            text: format!("{} ({})", number(summary.rate.median), range(summary.rate)),
            points: vec![summary.rate.median],
            whisker: Some((summary.rate.min, summary.rate.max)),
            hollow: is_marked(summary),
        });
        let beside = run.beside.iter().filter(|beside| beside.route == route).map(|beside| Line {
            label: format!("{} (beside)", beside.name),
            text: number(beside.requests_per_second),
            points: vec![beside.requests_per_second],
            whisker: None,
            hollow: true,
        });
        measured.chain(beside).collect()
    };
    group(
        run,
        Kind::Bar,
        "requests/s",
        "Throughput",
        "Bars: median. Whiskers: slowest and fastest round. A hollow bar is marked, or another tool's figure.",
        lines,
    )
}

fn latency(run: &Run, summaries: &[Summary<'_>]) -> Block {
    let median = |summary: &Summary<'_>, of: fn(&crate::result::Latency) -> f64| {
        Spread::of(summary.row.rounds.iter().map(|round| of(&round.latency_ms)))
            .map_or(0.0, |spread| spread.median)
    };
    let lines = |route: &str| {
        let line = |summary: &Summary<'_>| {
            let points =
                vec![median(summary, |l| l.p50), median(summary, |l| l.p90), median(summary, |l| l.p99)];
            let text = points.iter().map(|point| number(*point)).collect::<Vec<_>>().join(" · ");
            Line { label: label(summary), text, points, whisker: None, hollow: is_marked(summary) }
        };
        of_route(summaries, route).map(line).collect()
    };
    group(
        run,
        Kind::Percentiles,
        "ms",
        "Latency",
        "Circle: p50. Diamond: p90. Triangle: p99. Each is the median over rounds, and written in that order.",
        lines,
    )
}

/// Where at least one ratio can be claimed.
fn ratios(run: &Run, summaries: &[Summary<'_>]) -> Option<Block> {
    let reference = run.options.reference.as_deref()?;
    let lines = |route: &str| {
        let line = |summary: &Summary<'_>| {
            let claimed = head::claimed(run, summaries, summary)?.ok();
            Some(Line {
                label: label(summary),
                text: claimed.map_or_else(|| "no ratio".to_owned(), ratio),
                points: claimed.map(|ratio| ratio.value).into_iter().collect(),
                whisker: claimed.map(|ratio| (ratio.low, ratio.high)),
                hollow: false,
            })
        };
        of_route(summaries, route).filter_map(line).collect()
    };
    summaries.iter().any(|summary| summary.ratio.is_some() && run.options.rate.is_none()).then(|| {
        let heading = format!("Ratio to {reference}");
        group(
            run,
            Kind::Ratio,
            "times",
            &heading,
            "Dots: ratio of requests/s. Whiskers: 95 % interval over rounds. The line at 1 is the reference.",
            lines,
        )
    })
}

fn group(
    run: &Run,
    kind: Kind,
    unit: &'static str,
    heading: &str,
    note: &str,
    lines: impl Fn(&str) -> Vec<Line>,
) -> Block {
    let routes = head::routes(run).into_iter();
    let charts = routes.map(|route| Chart { kind, route: route.to_owned(), unit, lines: lines(route) });
    Block::Charts {
        heading: heading.to_owned(),
        note: note.to_owned(),
        charts: charts.filter(|chart| !chart.lines.is_empty()).collect(),
    }
}

fn of_route<'a, 'b>(summaries: &'a [Summary<'b>], route: &'a str) -> impl Iterator<Item = &'a Summary<'b>> {
    summaries.iter().filter(move |summary| summary.row.route == route)
}

fn is_marked(summary: &Summary<'_>) -> bool {
    !summary.marks.is_empty()
}

fn label(summary: &Summary<'_>) -> String {
    format!("{}{}", summary.row.target, if is_marked(summary) { " (marked)" } else { "" })
}

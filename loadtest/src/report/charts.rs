//! The contents of the charts. [`super::svg`] draws them.

use crate::format::{number, range, ratio};
use crate::result::Latency;
use crate::summary::{Summaries, Summary};

use super::blocks::{Block, Chart, Kind, Line};

/// Returns the charts that explain the first ones.
pub(super) fn details(summaries: &Summaries<'_>) -> Vec<Block> {
    let mut blocks: Vec<_> = ratios(summaries).into_iter().collect();
    blocks.push(latency(summaries));
    blocks
}

pub(super) fn throughput(summaries: &Summaries<'_>) -> Block {
    let note = "Bars: median. Whiskers: slowest and fastest round. A hollow bar is flagged, or another tool's figure.";
    group(summaries, Kind::Bar, "Throughput", note, |route| {
        let external = summaries.run.external.iter().filter(|external| external.route == route);
        let external = external.map(|external| Line {
            label: format!("{} (external)", external.name),
            text: number(external.requests_per_second),
            points: vec![external.requests_per_second],
            whisker: None,
            hollow: true,
        });
        of_route(summaries, route).map(bar).chain(external).collect()
    })
}

/// Returns the charts of the throughput without other tools and the second measurement of the reference.
pub(super) fn of_targets(summaries: &Summaries<'_>) -> Vec<Chart> {
    let is_repeat =
        |summary: &&Summary<'_>| Some(&summary.row.target) == summaries.run.options.repeat.as_ref();
    let lines =
        |route: &str| of_route(summaries, route).filter(|summary| !is_repeat(summary)).map(bar).collect();
    charts(summaries, Kind::Bar, lines)
}

/// Returns the bar of a row. The bar ends at the median, and its whisker at the slowest and the fastest round.
pub(crate) fn bar(summary: &Summary<'_>) -> Line {
    Line {
        text: format!("{} ({})", number(summary.rate.median), range(summary.rate)),
        whisker: Some((summary.rate.min, summary.rate.max)),
        ..line(summary, vec![summary.rate.median])
    }
}

fn latency(summaries: &Summaries<'_>) -> Block {
    let note = "Circle: p50. Diamond: p90. Triangle: p99. The numbers are in the same order; each is the median over \
                rounds.";
    group(summaries, Kind::Percentiles, "Latency", note, |route| {
        let percentiles = |summary: &Summary<'_>| {
            let rounds = [|l: &Latency| l.p50, |l: &Latency| l.p90, |l: &Latency| l.p99];
            rounds.iter().filter_map(|of| summary.median(|round| Some(of(&round.latency_ms)))).collect()
        };
        of_route(summaries, route).map(|summary| line(summary, percentiles(summary))).collect()
    })
}

/// Returns the chart of ratios, if there is a ratio.
fn ratios(summaries: &Summaries<'_>) -> Option<Block> {
    let heading = format!("Ratio to {}", summaries.run.options.reference.as_deref()?);
    let ratio_of = |summary: &Summary<'_>| summaries.ratio_to_reference(summary.row);
    if !summaries.rows.iter().filter_map(ratio_of).any(|ratio| ratio.is_ok()) {
        return None;
    }
    let note =
        "Dots: ratio of requests/s. Whiskers: 95 % interval over rounds. The line at 1 is the reference.";
    let lines = |route: &str| {
        let line = |summary: &Summary<'_>| {
            let ratio_of_row = ratio_of(summary)?.ok();
            Some(Line {
                label: label(summary),
                text: ratio_of_row.map_or_else(|| "no ratio".to_owned(), ratio),
                points: ratio_of_row.map(|ratio| ratio.value).into_iter().collect(),
                whisker: ratio_of_row.map(|ratio| (ratio.low, ratio.high)),
                hollow: false,
            })
        };
        of_route(summaries, route).filter_map(line).collect()
    };
    Some(group(summaries, Kind::Ratio, &heading, note, lines))
}

fn group(
    summaries: &Summaries<'_>,
    kind: Kind,
    heading: &str,
    note: &str,
    lines: impl Fn(&str) -> Vec<Line>,
) -> Block {
    Block::Charts {
        heading: heading.to_owned(),
        note: note.to_owned(),
        charts: charts(summaries, kind, lines),
    }
}

/// Returns a chart for each route that has a line.
fn charts(summaries: &Summaries<'_>, kind: Kind, lines: impl Fn(&str) -> Vec<Line>) -> Vec<Chart> {
    let chart = |route: &str| Chart {
        kind,
        route: route.to_owned(),
        requests: summaries.run.routes.get(route).cloned(),
        lines: lines(route),
    };
    summaries.routes().into_iter().map(chart).filter(|chart| !chart.lines.is_empty()).collect()
}

fn of_route<'a>(summaries: &'a Summaries<'_>, route: &'a str) -> impl Iterator<Item = &'a Summary<'a>> {
    summaries.rows.iter().filter(move |summary| summary.row.route == route)
}

/// Returns the line of a row, with its points as text.
fn line(summary: &Summary<'_>, points: Vec<f64>) -> Line {
    Line {
        label: label(summary),
        text: points.iter().map(|point| number(*point)).collect::<Vec<_>>().join(" · "),
        points,
        whisker: None,
        hollow: !summary.flags.is_empty(),
    }
}

fn label(summary: &Summary<'_>) -> String {
    let flagged = if summary.flags.is_empty() { "" } else { " (flagged)" };
    format!("{}{flagged}", summary.row.target)
}

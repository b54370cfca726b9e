//! Draws a chart as an inline SVG. Name and figures stand above every bar, so that a long name fits
//! a narrow screen and no colour has to be told from another.

use maud::{Markup, html};

use crate::format::axis_label;

use super::blocks::{Chart, Kind, Line};
use super::scale::Scale;

pub(super) const WIDTH: f64 = 360.0;
/// Space for half a label of the axis on either side.
pub(super) const MARGIN: f64 = 14.0;
const TOP: f64 = 6.0;
/// Height of a line: the words, and below them the bar or the marks.
const STEP: f64 = 42.0;
const MIDDLE: f64 = 27.0;
const AXIS: f64 = 24.0;
/// A longer name would leave no space for the figures.
const LABEL: usize = 24;

/// Draws a chart. The id must be unique in the page.
pub(super) fn svg(chart: &Chart, id: &str) -> Markup {
    let (title, desc) = (format!("{id}-title"), format!("{id}-desc"));
    html! {
        svg role="img" class=(class(chart.kind)) viewBox=(format!("0 0 {WIDTH} {}", height(chart)))
            aria-labelledby={ (title) " " (desc) } {
            title id=(title) { (chart.route) ": " (axis_name(chart, scale(chart))) }
            desc id=(desc) { (description(chart)) }
            (drawing(chart))
        }
    }
}

/// Returns the height of a chart with its axis.
pub(super) fn height(chart: &Chart) -> f64 {
    bottom(chart) + AXIS
}

/// Draws the axis and the lines of a chart, without an element around them.
pub(super) fn drawing(chart: &Chart) -> Markup {
    let scale = scale(chart);
    html! {
        (axis(chart, scale, bottom(chart)))
        @for (at, line) in chart.lines.iter().enumerate() {
            (words(line, TOP + STEP * at as f64 + 13.0))
            (marks(chart.kind, line, scale, TOP + STEP * at as f64 + MIDDLE))
        }
    }
}

fn bottom(chart: &Chart) -> f64 {
    TOP + STEP * chart.lines.len() as f64
}

/// Returns the unit of the axis, and whether it is logarithmic.
pub(super) fn axis_name(chart: &Chart, scale: Scale) -> String {
    let unit = match chart.kind {
        Kind::Bar => "requests/s",
        Kind::Percentiles => "ms",
        Kind::Ratio => "times",
    };
    format!("{unit}{}", if scale.is_log() { ", logarithmic" } else { "" })
}

/// Returns the axis of a chart.
pub(super) fn scale(chart: &Chart) -> Scale {
    let whiskers = chart.lines.iter().filter_map(|line| line.whisker).flat_map(|(low, high)| [low, high]);
    let figures = chart.lines.iter().flat_map(|line| line.points.iter().copied()).chain(whiskers);
    match chart.kind {
        Kind::Bar => Scale::from_zero(figures),
        Kind::Percentiles => Scale::around(figures),
        Kind::Ratio => Scale::around(figures.chain([1.0])),
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Bar => "bars",
        Kind::Percentiles => "percentiles",
        Kind::Ratio => "ratios",
    }
}

fn description(chart: &Chart) -> String {
    chart.lines.iter().map(|line| format!("{}: {}", line.label, line.text)).collect::<Vec<_>>().join("; ")
}

fn axis(chart: &Chart, scale: Scale, bottom: f64) -> Markup {
    html! {
        @for tick in scale.ticks() {
            (upright("grid", x(scale, tick), chart.lines.len()))
            text.tick x=(format!("{:.1}", x(scale, tick))) y=(bottom + 15.0) { (axis_label(tick)) }
        }
        @if chart.kind == Kind::Ratio { (upright("one", x(scale, 1.0), chart.lines.len())) }
    }
}

/// Draws a vertical line behind the marks, with gaps for the words.
fn upright(class: &str, x: f64, lines: usize) -> Markup {
    let pieces = (0..lines).map(|at| format!("M{x:.1} {}v20", TOP + STEP * at as f64 + MIDDLE - 10.0));
    html! { path class=(class) d=(pieces.collect::<String>()) {} }
}

fn words(line: &Line, y: f64) -> Markup {
    let mut label: String = line.label.chars().take(LABEL).collect();
    if label.len() < line.label.len() {
        label.push('…');
    }
    html! {
        text.label x=(MARGIN) y=(y) { (label) }
        text.figure x=(WIDTH - MARGIN) y=(y) { (line.text) }
    }
}

fn marks(kind: Kind, line: &Line, scale: Scale, y: f64) -> Markup {
    let places: Vec<f64> = line.points.iter().map(|figure| x(scale, *figure)).collect();
    html! {
        @if kind == Kind::Percentiles && let [from, .., to] = *places {
            path.span d=(format!("M{from:.1} {y}H{to:.1}")) {}
        }
        @for (which, x) in places.iter().enumerate() {
            @if kind == Kind::Bar { (bar(*x, y, line.hollow)) }
            @else { path.dot.hollow[line.hollow] d=(shape(which, *x, y)) {} }
        }
        @if let Some((low, high)) = line.whisker {
            path.whisker d=(whisker(x(scale, low), x(scale, high), y - 4.0)) {}
        }
    }
}

fn bar(x: f64, y: f64, hollow: bool) -> Markup {
    // A bar of less than one pixel would be invisible.
    let width = (x - MARGIN).max(1.0);
    html! {
        rect.bar.hollow[hollow] x=(MARGIN) y=(format!("{:.1}", y - 5.5))
            width=(format!("{width:.1}")) height="11" {}
    }
}

/// Returns the path of a circle, a diamond or a triangle.
fn shape(which: usize, x: f64, y: f64) -> String {
    match which {
        0 => format!("M{:.1} {y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", x - 4.5),
        1 => format!("M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z", y - 5.5),
        _ => format!("M{x:.1} {:.1}l5.5 9.5h-11z", y - 5.5),
    }
}

fn whisker(low: f64, high: f64, top: f64) -> String {
    format!("M{low:.1} {top}v8m0 -4H{high:.1}m0 -4v8")
}

fn x(scale: Scale, figure: f64) -> f64 {
    MARGIN + (WIDTH - 2.0 * MARGIN) * scale.place(figure)
}

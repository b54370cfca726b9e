//! A chart as an inline SVG: above every bar its target and its figures, so that a long name fits a
//! narrow screen and no colour needs to be told from another.

use std::fmt::Write as _;

use super::charts::{Chart, Kind, Line};
use super::figures::round_number;
use super::html::escape;
use super::scale::Scale;

const WIDTH: f64 = 360.0;
/// Room for half a label of the axis on either side.
const MARGIN: f64 = 14.0;
const TOP: f64 = 6.0;
/// Height of one target: its words, and below them its mark.
const STEP: f64 = 42.0;
const MIDDLE: f64 = 27.0;
const AXIS: f64 = 24.0;
/// As many characters of a name as leave room for the figures.
const LABEL: usize = 24;

/// The chart, whose id is the only one of its name in the page.
pub(super) fn svg(chart: &Chart, id: &str) -> String {
    let bottom = TOP + STEP * chart.lines.len() as f64;
    let scale = scale(chart);
    let mut drawing = axis(chart, scale, bottom);
    for (at, line) in chart.lines.iter().enumerate() {
        drawing += &words(line, TOP + STEP * at as f64);
        drawing += &marks(chart.kind, line, scale, TOP + STEP * at as f64 + MIDDLE);
    }
    format!(
        "<svg role=\"img\" class=\"{kind}\" viewBox=\"0 0 {WIDTH} {height}\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{desc}</desc>\n{drawing}</svg>\n",
        kind = class(chart.kind),
        height = bottom + AXIS,
        title = escape(&format!("{}: {}", chart.route, axis_name(chart, scale))),
        desc = escape(&description(chart)),
    )
}

/// What the axis counts.
pub(super) fn axis_name(chart: &Chart, scale: Scale) -> String {
    format!("{}{}", chart.unit, if scale.is_log() { ", logarithmic" } else { "" })
}

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

fn axis(chart: &Chart, scale: Scale, bottom: f64) -> String {
    let mut drawing = String::new();
    for tick in scale.ticks() {
        let (x, y) = (x(scale, tick), bottom + 15.0);
        drawing += &upright("grid", x, chart.lines.len());
        let _ =
            writeln!(drawing, "<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\">{}</text>", round_number(tick));
    }
    if chart.kind == Kind::Ratio {
        drawing += &upright("one", x(scale, 1.0), chart.lines.len());
    }
    drawing
}

/// A line behind the marks, which leaves the words alone.
fn upright(class: &str, x: f64, lines: usize) -> String {
    let pieces = (0..lines).map(|at| format!("M{x:.1} {}v20", TOP + STEP * at as f64 + MIDDLE - 10.0));
    format!("<path class=\"{class}\" d=\"{}\"/>\n", pieces.collect::<String>())
}

fn words(line: &Line, top: f64) -> String {
    let mut label: String = line.label.chars().take(LABEL).collect();
    if label.len() < line.label.len() {
        label.push('…');
    }
    let y = top + 13.0;
    format!(
        "<text class=\"label\" x=\"{MARGIN}\" y=\"{y}\">{}</text>\n<text class=\"figure\" x=\"{}\" y=\"{y}\">{}</text>\n",
        escape(&label),
        WIDTH - MARGIN,
        escape(&line.text)
    )
}

fn marks(kind: Kind, line: &Line, scale: Scale, y: f64) -> String {
    let hollow = if line.hollow { " hollow" } else { "" };
    let at = |figure: &f64| x(scale, *figure);
    match kind {
        Kind::Bar => {
            line.points.iter().map(at).map(|x| bar(x, y, hollow)).chain([whisker(line, scale, y)]).collect()
        }
        Kind::Ratio => line
            .points
            .iter()
            .map(at)
            .map(|x| shape(0, x, y, hollow))
            .chain([whisker(line, scale, y)])
            .collect(),
        Kind::Percentiles => {
            let places: Vec<f64> = line.points.iter().map(at).collect();
            let (from, to) = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(0.0));
            let shapes = places.iter().enumerate().map(|(which, x)| shape(which, *x, y, hollow));
            format!("<path class=\"span\" d=\"M{from:.1} {y}H{to:.1}\"/>\n") + &shapes.collect::<String>()
        }
    }
}

fn bar(x: f64, y: f64, hollow: &str) -> String {
    // Never so short that it cannot be seen.
    let width = (x - MARGIN).max(1.0);
    format!(
        "<rect class=\"bar{hollow}\" x=\"{MARGIN}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"11\"/>\n",
        y - 5.5
    )
}

/// A circle, a diamond or a triangle.
fn shape(which: usize, x: f64, y: f64, hollow: &str) -> String {
    let path = match which {
        0 => format!("M{:.1} {y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", x - 4.5),
        1 => format!("M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z", y - 5.5),
        _ => format!("M{x:.1} {:.1}l5.5 9.5h-11z", y - 5.5),
    };
    format!("<path class=\"dot{hollow}\" d=\"{path}\"/>\n")
}

fn whisker(line: &Line, scale: Scale, y: f64) -> String {
    line.whisker.map_or_else(String::new, |(low, high)| {
        let (low, high, top) = (x(scale, low), x(scale, high), y - 4.0);
        format!("<path class=\"whisker\" d=\"M{low:.1} {top}v8m0 -4H{high:.1}m0 -4v8\"/>\n")
    })
}

fn x(scale: Scale, figure: f64) -> f64 {
    MARGIN + (WIDTH - 2.0 * MARGIN) * scale.place(figure)
}

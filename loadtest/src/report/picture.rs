//! The throughput as a picture of its own, for a README.

use maud::{PreEscaped, html};

use crate::result::Run;
use crate::summary::Summaries;

use super::blocks::Chart;
use super::{charts, svg, verdict};

/// Space above the charts for their names.
const HEAD: f64 = 30.0;
/// Space between two charts.
const GAP: f64 = 24.0;

/// Returns a file in SVG with a chart for each route. Figures of other tools and the second measurement
/// of the reference are left out. The file contains its style, for light and dark pages.
pub fn picture(run: &Run) -> String {
    let summaries = Summaries::of(run);
    let charts = charts::of_targets(&summaries);
    let step = svg::WIDTH + GAP;
    let width = (step * charts.len() as f64 - GAP).max(0.0);
    let height = HEAD + charts.iter().map(svg::height).fold(0.0, f64::max);
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" viewBox=(format!("0 0 {width} {height}"))
            width=(width) height=(height) {
            title id="title" { (verdict::sentence(&summaries).unwrap_or_default()) }
            style { (PreEscaped(include_str!("chart.css"))) }
            @for (at, chart) in charts.iter().enumerate() {
                g transform=(format!("translate({} 0)", step * at as f64)) {
                    text.name x=(svg::MARGIN) y="18" { (name(chart)) }
                    g transform=(format!("translate(0 {HEAD})")) { (svg::drawing(chart)) }
                }
            }
        }
    };
    picture.into_string() + "\n"
}

/// Returns the requests of a route, if the run has them.
fn name(chart: &Chart) -> String {
    format!(
        "{}, {}",
        chart.requests.as_ref().unwrap_or(&chart.route),
        svg::axis_name(chart, svg::scale(chart))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    #[test]
    fn the_picture_has_a_bar_for_each_target_and_nothing_else() {
        let mut run = sample();
        run.options.repeat = Some("quart".to_owned());
        run.routes.remove("list");
        let picture = picture(&run);
        assert_eq!(picture.matches("<rect class=\"bar").count(), 3 * 4, "quart stands for the repetition");
        assert!(!picture.contains(">quart<") && !picture.contains("pgbench"), "{picture}");
        assert!(
            picture.contains(">GET /films/995/, requests/s</text>")
                && picture.contains(">list, requests/s</text>")
        );
    }
}

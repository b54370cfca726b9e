//! Renders the report as a page that needs nothing else: no script, no network.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::result::Run;

use super::blocks::{Block, Cell, Chart, Table};
use super::document::{document, title};
use super::svg;

/// Returns the report as an HTML page with charts.
pub fn html(run: &Run) -> String {
    render(&title(run), &document(run))
}

/// Renders blocks as a page.
pub(crate) fn render(title: &str, blocks: &[Block]) -> String {
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { (title) }
                style { (PreEscaped(concat!(include_str!("chart.css"), include_str!("page.css")))) }
            }
            body {
                main {
                    @for (at, part) in blocks.iter().enumerate() { (block(part, at)) }
                }
            }
        }
    };
    page.into_string()
}

fn block(block: &Block, at: usize) -> Markup {
    html! {
        @match block {
            Block::Title(text) => { h1 { (text) } }
            Block::Heading(text) => { h2 { (text) } }
            Block::Warning(text) => { p.warning role="alert" { (text) } }
            Block::Verdict(text) => { p.verdict { (text) } }
            Block::Text(text) => { p { (text) } }
            Block::List(lines) => { ul.plain { @for line in lines { li { (line) } } } }
            Block::Notes(lines) => { ul.notes { @for line in lines { li { (line) } } } }
            Block::Table(shown) => { (table(shown)) }
            Block::Charts { heading, note, charts } => {
                section {
                    h2 { (heading) }
                    p { (note) }
                    .charts { @for (number, chart) in charts.iter().enumerate() { (figure(chart, at, number)) } }
                }
            }
        }
    }
}

/// Renders a table. A wide table scrolls by itself, also by keyboard.
fn table(table: &Table) -> Markup {
    html! {
        .scroll role="region" aria-label="table" tabindex="0" {
            table class=(if table.words == 1 { "head" } else { "more" }) {
                thead { tr { @for text in &table.head { th scope="col" { (text) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, shown) in row.iter().enumerate() {
                                @if column < table.words { th scope="row" { (cell(shown)) } }
                                @else { td { (cell(shown)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(cell: &Cell) -> Markup {
    html! {
        (cell.text)
        @if !cell.signs.is_empty() { span.sign { (cell.signs) } }
        // If a narrow screen breaks the remark, the interval stays whole.
        @if let Some(remark) = &cell.remark { " " small { (remark.replace('–', "\u{2060}–\u{2060}")) } }
    }
}

fn figure(chart: &Chart, group: usize, number: usize) -> Markup {
    html! {
        figure {
            figcaption {
                strong { (chart.route) } " "
                @if let Some(requests) = &chart.requests { (requests) ": " }
                (svg::axis_name(chart, svg::scale(chart)))
            }
            (svg::svg(chart, &format!("chart-{group}-{number}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    #[test]
    fn every_element_of_a_chart_is_closed() {
        let page = html(&sample());
        for element in ["svg", "path", "rect", "text", "title", "desc"] {
            let opened =
                page.matches(&format!("<{element} ")).count() + page.matches(&format!("<{element}>")).count();
            assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
        }
    }

    #[test]
    fn a_name_cannot_become_markup() {
        let mut run = sample();
        let name = "<script>alert('1')</script>\" onload=\"x";
        run.targets[0].name = name.to_owned();
        run.rows[0].target = name.to_owned();
        run.options.workload = name.to_owned();
        let page = html(&run);
        assert!(!page.contains("<script") && !page.contains("\" onload"), "{page}");
        assert!(page.contains("&lt;script&gt;alert('1')&lt;/script&gt;&quot; onload"), "{page}");
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = html(&sample());
        for wanted in ["<link", "<img", "<iframe", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn a_flagged_row_has_a_hollow_bar_and_no_ratio() {
        let page = html(&sample());
        assert_eq!(page.matches("class=\"bar hollow\"").count(), 4, "quart's post and pgbench's three");
        assert_eq!(page.matches(">no ratio</text>").count(), 1);
    }

    #[test]
    fn a_run_without_rows_is_a_page_without_charts() {
        let mut run = sample();
        run.rows.clear();
        run.external.clear();
        let page = html(&run);
        assert!(!page.contains("<svg") && page.ends_with("</body></html>"), "{page}");
    }
}

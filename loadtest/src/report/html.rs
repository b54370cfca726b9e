//! The report as one page that needs nothing else: no script, no network.

use crate::result::Run;

use super::charts::Chart;
use super::document::{Block, Cell, Table, document, title};
use super::svg;

/// The report as an HTML page with charts.
pub fn html(run: &Run) -> String {
    let body: String = document(run).iter().enumerate().map(|(at, part)| block(part, at)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(&title(run)),
        include_str!("page.css"),
    )
}

/// Text, as it may stand in an element or in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn block(block: &Block, at: usize) -> String {
    match block {
        Block::Title(text) => element("h1", text),
        Block::Heading(text) => element("h2", text),
        Block::Warning(text) => format!("<p class=\"warning\" role=\"alert\">{}</p>\n", escape(text)),
        Block::Text(text) => element("p", text),
        Block::List(lines) => list("plain", lines),
        Block::Notes(lines) => list("notes", lines),
        Block::Table(shown) => table(shown),
        Block::Charts { heading, note, charts } => figures(heading, note, charts, at),
    }
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escape(text))
}

fn list(class: &str, lines: &[String]) -> String {
    let items: String = lines.iter().map(|line| element("li", line)).collect();
    format!("<ul class=\"{class}\">\n{items}</ul>\n")
}

/// A wide table scrolls by itself, by keyboard too.
fn table(table: &Table) -> String {
    let head: Vec<_> =
        table.head.iter().map(|text| format!("<th scope=\"col\">{}</th>", escape(text))).collect();
    let head = head.concat();
    let rows: String = table.rows.iter().map(|row| tr(row, table.words)).collect();
    let class = if table.words == 1 { "head" } else { "more" };
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"table\" tabindex=\"0\">\n<table class=\"{class}\">\n\
         <thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}

fn tr(row: &[Cell], words: usize) -> String {
    let cells = row.iter().enumerate().map(|(column, cell)| {
        let (open, close) = if column < words { ("th scope=\"row\"", "th") } else { ("td", "td") };
        let signs = if cell.signs.is_empty() {
            String::new()
        } else {
            format!("<span class=\"sign\">{}</span>", cell.signs)
        };
        let aside = cell.aside.as_deref().map_or_else(String::new, aside);
        format!("<{open}>{}{signs}{aside}</{close}>", escape(&cell.text))
    });
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

/// Where it has to be broken on a narrow screen, an interval stays whole.
fn aside(text: &str) -> String {
    format!(" <small>{}</small>", escape(text).replace('–', "\u{2060}–\u{2060}"))
}

fn figures(heading: &str, note: &str, charts: &[Chart], group: usize) -> String {
    let figures = charts.iter().enumerate().map(|(at, chart)| {
        let unit = svg::axis_name(chart, svg::scale(chart));
        format!(
            "<figure>\n<figcaption><strong>{}</strong> {}</figcaption>\n{}</figure>\n",
            escape(&chart.route),
            escape(&unit),
            svg::svg(chart, &format!("chart-{group}-{at}"))
        )
    });
    let figures: String = figures.collect();
    format!(
        "<section>\n{}{}<div class=\"charts\">\n{figures}</div>\n</section>\n",
        element("h2", heading),
        element("p", note)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// Elements that have no end.
    const VOID: [&str; 2] = ["meta", "!DOCTYPE"];

    fn check_tags(page: &str) {
        let mut open = Vec::new();
        for piece in page.split('<').skip(1) {
            let tag = piece.split('>').next().unwrap();
            let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "at <{piece}");
            } else if !VOID.contains(&name) && !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "not closed: {open:?}");
    }

    #[test]
    fn every_tag_is_closed() {
        check_tags(&html(&sample()));
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
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
        check_tags(&page);
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = html(&sample());
        for wanted in ["<link", "<img", "<iframe", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn a_marked_row_has_a_hollow_bar_and_no_ratio() {
        let page = html(&sample());
        assert_eq!(page.matches("class=\"bar hollow\"").count(), 4, "quart's post and pgbench's three");
        assert_eq!(page.matches(">no ratio</text>").count(), 1);
    }

    #[test]
    fn a_run_without_rows_is_still_a_page() {
        let mut run = sample();
        run.rows.clear();
        run.beside.clear();
        check_tags(&html(&run));
    }
}

//! Renders the report as Markdown.

use crate::result::Run;

use super::blocks::{Block, Cell, Table};
use super::document::document;

/// Returns the report as Markdown. The summary table comes first.
pub fn markdown(run: &Run) -> String {
    render(&document(run))
}

/// Returns only the summary table.
pub fn markdown_table(run: &Run) -> String {
    let tables = document(run).into_iter().filter(|block| matches!(block, Block::Table(_)));
    render(&tables.take(1).collect::<Vec<_>>())
}

/// Renders blocks. Charts are left out: the tables hold their figures.
pub(crate) fn render(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().filter_map(block).collect();
    parts.join("\n\n") + "\n"
}

fn block(block: &Block) -> Option<String> {
    Some(match block {
        Block::Title(text) => format!("# {}", escape(text)),
        Block::Heading(text) => format!("## {}", escape(text)),
        Block::Warning(text) => format!("> **{}**", escape(text)),
        Block::Verdict(text) => format!("**{}**", escape(text)),
        Block::Text(text) => escape(text),
        Block::List(lines) | Block::Notes(lines) => {
            lines.iter().map(|line| format!("- {}", escape(line))).collect::<Vec<_>>().join("\n")
        }
        Block::Table(shown) => table(shown),
        Block::Charts { .. } => return None,
    })
}

fn table(table: &Table) -> String {
    let rule =
        (0..table.head.len()).map(|column| if column < table.words { "---" } else { "---:" }.to_owned());
    let mut lines = vec![line(table.head.iter().map(|text| escape(text))), line(rule)];
    lines.extend(table.rows.iter().map(|row| line(row.iter().map(cell))));
    lines.join("\n")
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(cell: &Cell) -> String {
    let figure = format!("{}{}", escape(&cell.text), cell.signs);
    match &cell.remark {
        Some(remark) => format!("{figure} · {}", escape(remark)),
        None => figure,
    }
}

/// Escapes a text, because names come from the command line: a name must not end a cell, begin a tag or
/// change the type.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '\n' | '\r' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '[' => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::sample;

    #[test]
    fn the_summary_table_comes_first() {
        let report = markdown(&sample());
        let head = "\
# Load test “article”

2025-10-18 09:00 UTC, Example CPU @ 2.50GHz, 4 cores, wrk 4.2.0, commit: 0123abc. The generator and the servers \
shared this machine.

**On this machine, films responds to 25.4 to 28.3 (one), 19.5 to 21.2 (list) and 15.1 to 16.1 (post) times as many \
requests as flask; the generator was not the limit.**

| requests/s | one | list | post |
| --- | ---: | ---: | ---: |
| flask | 901 | 211 | 767 |
| quart | 1,879 · 2.1× (2.0–2.2) | 339 · 1.63× (1.56–1.70) | 1,501¹ |
| axum-pool | 9,818 · 10.8× (10.6–11.1) | 1,199 · 5.7× (5.5–5.9) | 2,921 · 3.8× (3.6–4.0) |
| films | 24,410 · 26.8× (25.4–28.3) | 4,292 · 20.3× (19.5–21.2) | 11,913 · 15.6× (15.1–16.1) |
| ceiling | 41,013 · 45.1× (42.1–48.4) | 5,309 · 25.0× (23.9–26.2) | 39,518 · 51.5× (50.2–52.7) |
| pgbench · another tool, not interleaved | 13,874 | 1,392 | 3,120 |

Median of 5 rounds, followed by the ratio to flask with its 95 % interval. The ratio is the geometric mean of \
the ratios of the rounds, so it may differ a little from the ratio of the medians. The noise is unknown, because no \
server was measured twice.

- ¹ quart, post: 7 error responses or broken connections; no ratio is made with this figure.

- one: GET /films/995/
- list: GET /films/
- post: POST /reviews/

## ";
        assert!(report.starts_with(head), "{report}");
    }

    #[test]
    fn the_table_alone_is_part_of_the_report() {
        let table = markdown_table(&sample());
        assert!(table.starts_with("| requests/s | one |") && table.ends_with("3,120 |\n"), "{table}");
        assert!(markdown(&sample()).contains(&table));
    }

    #[test]
    fn a_flagged_figure_has_no_ratio() {
        let report = markdown(&sample());
        let row = report.lines().find(|line| line.starts_with("| quart |")).unwrap();
        let post = row.split(" | ").last().unwrap();
        assert!(post.contains('¹') && !post.contains('×'), "{row}");
    }

    #[test]
    fn an_interrupted_run_says_so_before_its_figures() {
        let mut run = sample();
        run.interrupted = true;
        run.rows[3].rounds.truncate(2);
        let report = markdown(&run);
        let warning = report.find("Interrupted: this run was stopped").unwrap();
        assert!(warning < report.find("| requests/s").unwrap());
        assert!(
            report.contains("It was to have 5 rounds; the figures below come from 2 to 5 rounds,"),
            "{report}"
        );
    }

    #[test]
    fn an_open_loop_shows_dropped_iterations_and_failed_thresholds() {
        let mut run = sample();
        run.options.rate = Some(2000);
        run.rows[0].rounds[0].dropped = 91;
        run.rows[0].rounds[0].failed_thresholds = vec!["http_req_duration p(99)<50".to_owned()];
        let report = markdown(&run);
        assert!(
            report.contains("| one | flask | 91 (0.2 %) | http_req_duration p(99)&lt;50 in 1 of 5 rounds |"),
            "{report}"
        );
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        assert_eq!(escape("a|b\n<i> *c*"), "a\\|b &lt;i> \\*c\\*");
    }
}

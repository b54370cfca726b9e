//! The report before it has a form: what both forms say, in order.

use crate::result::Run;
use crate::summary::summarize;

use super::figures::count;
use super::{charts, head, how, tables};

/// A piece of a report.
#[derive(Debug)]
pub(crate) enum Block {
    Title(String),
    Heading(String),
    Warning(String),
    Text(String),
    List(Vec<String>),
    /// Lines that begin with their own sign.
    Notes(Vec<String>),
    Table(Table),
    Charts {
        heading: String,
        note: String,
        charts: Vec<charts::Chart>,
    },
}

/// A table whose first columns are words and whose others are figures.
#[derive(Debug)]
pub(crate) struct Table {
    /// How many columns are words.
    pub(crate) words: usize,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A figure, the signs of its footnotes, and what is said beside it.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) signs: String,
    pub(crate) aside: Option<String>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

pub(super) fn title(run: &Run) -> String {
    format!("Load test “{}”", run.options.workload)
}

pub(super) fn document(run: &Run) -> Vec<Block> {
    let summaries = summarize(run);
    let mut blocks = vec![Block::Title(title(run))];
    blocks.extend(interrupted(run));
    blocks.extend(head::head(run, &summaries));
    blocks.extend(charts::charts(run, &summaries));
    blocks.extend(tables::load(run, &summaries));
    blocks.extend(tables::spread(&summaries));
    blocks.extend(tables::latency(run, &summaries));
    blocks.extend(tables::resources(&summaries));
    blocks.extend(how::measured(run));
    blocks.extend(how::limits(run));
    blocks
}

fn interrupted(run: &Run) -> Option<Block> {
    run.interrupted.then(|| {
        Block::Warning(format!(
            "Interrupted: this run was stopped before its end. {} had been asked for; the figures below are of {}, and what \
             was not begun is missing.",
            count(run.options.rounds, "round"),
            rounds(run)
        ))
    })
}

/// How many rounds the figures have: fewer than were asked for, where the run was interrupted.
pub(super) fn rounds(run: &Run) -> String {
    let measured = || run.rows.iter().map(|row| row.rounds.len() as u64).filter(|count| *count > 0);
    let (fewest, most) = (measured().min().unwrap_or(0), measured().max().unwrap_or(0));
    if fewest == most { count(most, "round") } else { format!("{fewest} to {}", count(most, "round")) }
}

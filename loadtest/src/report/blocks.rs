//! The parts of a report, without a form.

/// A part of a report.
#[derive(Debug)]
pub(crate) enum Block {
    Title(String),
    Heading(String),
    Warning(String),
    /// The result in a sentence.
    Verdict(String),
    Text(String),
    List(Vec<String>),
    /// Lines that begin with their own sign.
    Notes(Vec<String>),
    Table(Table),
    Charts {
        heading: String,
        note: String,
        charts: Vec<Chart>,
    },
}

/// A table whose first columns are words and whose other columns are figures.
#[derive(Debug)]
pub(crate) struct Table {
    /// Number of columns of words.
    pub(crate) words: usize,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A cell: a text, the signs of its footnotes, and a remark in smaller type.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) signs: String,
    pub(crate) remark: Option<String>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// The chart of a route, with a line for each target.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) kind: Kind,
    pub(crate) route: String,
    /// The requests of the route in words.
    pub(crate) requests: Option<String>,
    pub(crate) lines: Vec<Line>,
}

/// How a chart draws its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bar from zero: requests/s.
    Bar,
    /// Marks for p50, p90 and p99 in ms.
    Percentiles,
    /// A dot, and a line at 1 for the reference.
    Ratio,
}

/// A target on a chart.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) label: String,
    /// The figures in words.
    pub(crate) text: String,
    pub(crate) points: Vec<f64>,
    pub(crate) whisker: Option<(f64, f64)>,
    /// True if the figure cannot be compared: it is flagged, or another tool's.
    pub(crate) hollow: bool,
}

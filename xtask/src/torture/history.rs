//! The history of a run: what every client did and saw, as JSON lines.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A value that no change writes: the response shows no such film, or a title that is no number.
pub(super) const UNREADABLE: u64 = u64::MAX;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(super) enum Line {
    Run(Run),
    Fault(Fault),
    Operation(Operation),
}

/// What a run was started with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) seed: u64,
    /// Ids of the films. At the start, the value of each is 0.
    pub(super) films: Vec<u32>,
    pub(super) lists: Vec<List>,
}

/// A list that clients read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) path: String,
    pub(super) films: Vec<u32>,
}

/// A fault. Times are in nanoseconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) began: u64,
    pub(super) ended: u64,
}

/// An operation of a client. Times are in nanoseconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) client: u32,
    #[serde(flatten)]
    pub(super) action: Action,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) outcome: Outcome,
    /// The instance that received the request, if it was a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<usize>,
    /// The status of the response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
}

/// What a client did, with what it wrote or saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub(super) enum Action {
    /// Sets the title of a film by SQL.
    ChangeFilm {
        film: u32,
        value: u64,
    },
    ReadFilm {
        film: u32,
        conditional: bool,
        value: u64,
    },
    /// Reads a list of [`Run::lists`]. The values are in the order of its films.
    ReadList {
        list: usize,
        conditional: bool,
        values: Vec<u64>,
    },
    PostReview {
        film: u32,
        rating: usize,
        key: Option<String>,
    },
    /// Reads the reviews of a film: how many there are of each rating.
    ReadReviews {
        film: u32,
        conditional: bool,
        counts: [u64; 5],
    },
    /// Counts the reviews of a film by SQL.
    CountReviews {
        film: u32,
        counts: [u64; 5],
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Ok,
    /// It had no effect.
    Failed,
    /// It may have had its effect, or not.
    Unknown,
}

impl Action {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ChangeFilm { .. } => "change_film",
            Self::ReadFilm { conditional: false, .. } => "read_film",
            Self::ReadFilm { .. } => "read_film_conditional",
            Self::ReadList { conditional: false, .. } => "read_list",
            Self::ReadList { .. } => "read_list_conditional",
            Self::PostReview { key: None, .. } => "post_review",
            Self::PostReview { .. } => "post_review_keyed",
            Self::ReadReviews { .. } => "read_reviews",
            Self::CountReviews { .. } => "count_reviews",
        }
    }
}

/// A whole history. Operations are in the order in which they returned.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) run: Run,
    pub(super) faults: Vec<Fault>,
    pub(super) operations: Vec<Operation>,
}

impl History {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let lines = BufReader::new(
            File::open(file).with_context(|| format!("cannot read the history {}", file.display()))?,
        );
        let mut history = Self::default();
        for (number, line) in (1..).zip(lines.lines()) {
            let line = serde_json::from_str(&line?)
                .with_context(|| format!("line {number} of {} is no line of a history", file.display()))?;
            match line {
                Line::Run(run) => history.run = run,
                Line::Fault(fault) => history.faults.push(fault),
                Line::Operation(operation) => history.operations.push(operation),
            }
        }
        Ok(history)
    }
}

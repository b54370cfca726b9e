//! Writes the history while clients run, with the times of one clock.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use parking_lot::Mutex;

use super::history::Line;

/// The file of a history, shared by all threads of a run.
pub(super) struct Recorder {
    begin: Instant,
    file: Mutex<BufWriter<File>>,
}

impl Recorder {
    /// Makes the file, in place of that of an earlier run.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write the history {}", path.display()))?;
        Ok(Self { begin: Instant::now(), file: Mutex::new(BufWriter::new(file)) })
    }

    /// Returns the time since the start, in nanoseconds.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn write(&self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.file.lock().write_all(text.as_bytes()).context("cannot write the history")
    }

    pub(super) fn flush(&self) -> Result<()> {
        self.file.lock().flush().context("cannot write the history")
    }
}

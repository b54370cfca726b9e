//! Shows how far a measurement is, and how long it still takes.

use std::time::Duration;

use humantime::format_duration;
use indicatif::{ProgressBar, ProgressStyle};

/// The progress of a measurement, in seconds of measuring.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins a measurement of this number of seconds.
    pub(crate) fn begin(seconds: u64) -> Self {
        let bar = ProgressBar::new(seconds);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} s, {eta} left  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows the next step. Without a terminal, as in a pod's log, the bar is hidden, and a step is a line.
    pub(crate) fn step(&self, step: String) {
        if self.0.is_hidden() {
            let left = self.0.length().unwrap_or_default().saturating_sub(self.0.position());
            eprintln!("{step}, about {} left", duration(left));
        }
        self.0.set_message(step);
    }

    /// Adds seconds that have been measured.
    pub(crate) fn add(&self, seconds: u64) {
        self.0.inc(seconds);
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Formats a time in words: `13m 30s`.
pub(crate) fn duration(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds)).to_string()
}

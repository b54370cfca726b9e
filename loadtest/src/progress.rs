//! Shows how far a measurement is, and how long it still takes.

use std::time::Duration;

use humantime::format_duration;
use indicatif::{ProgressBar, ProgressStyle};

/// Returns a bar for a measurement of this number of seconds.
pub(crate) fn bar(seconds: u64) -> ProgressBar {
    let bar = ProgressBar::new(seconds);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} s, {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Shows the next step. Without a terminal, as in a pod's log, the bar is hidden, and a step is a line.
pub(crate) fn step(bar: &ProgressBar, step: String) {
    if bar.is_hidden() {
        let left = bar.length().unwrap_or_default().saturating_sub(bar.position());
        eprintln!("{step}, about {} left", duration(left));
    }
    bar.set_message(step);
}

/// Formats a time in words: `13m 30s`.
pub(crate) fn duration(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds)).to_string()
}

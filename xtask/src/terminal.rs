//! Messages to the person at the terminal.

use std::io::{self, Write};

/// Prints a line to standard error. Unlike `eprintln!` it does not panic when the terminal is
/// closed: that panic would come while child processes are being stopped.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

//! Messages to the person at the terminal, and names as that person writes them.

use std::io::{self, Write};

use clap::ValueEnum;

/// Prints a line to standard error. Unlike `eprintln!` it does not panic when the terminal is
/// closed: that panic would come while child processes are being stopped.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Returns the name of a value, as the command line takes it.
pub(crate) fn name_of(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

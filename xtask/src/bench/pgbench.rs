//! The speed of Postgres alone: the same statements from as many clients, without HTTP.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::postgres::Installation;
use crate::process;
use crate::signals::Signals;
use crate::terminal::say;

/// The statement of each route of the article, for one film or review.
const STATEMENTS: [(&str, &str); 3] = [
    ("one", "select film_id, release_year, title from film where film_id = 995;"),
    ("list", "select film_id, release_year, title from film where release_year > 2000 order by film_id;"),
    ("post", "insert into review (film_id, rating) select film_id, 4 from film where film_id = 995;"),
];

/// Each client is a connection, of which Postgres accepts 100 by default.
const MAX_CLIENTS: u32 = 64;

/// Measures each statement for `seconds`, from at most [`MAX_CLIENTS`], and returns the transactions a second by
/// route. Returns nothing, and says so, if the Postgres has no pgbench: the downloaded Postgres has none.
pub(super) fn figures(
    installation: &Installation,
    url: &str,
    clients: u32,
    seconds: u32,
    signals: &Signals,
) -> Result<Vec<(&'static str, f64)>> {
    if !installation.has("pgbench") {
        say("pgbench is not installed, so the report lacks its figures: apt-get install postgresql-contrib");
        return Ok(Vec::new());
    }
    let folder = TempDir::with_prefix("films-pgbench-")?;
    let mut figures = Vec::new();
    for (route, statement) in STATEMENTS {
        say(&format!("pgbench: {route}, {seconds} s"));
        let script = folder.path().join(route);
        fs::write(&script, statement)?;
        let mut command = installation.client("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        command.arg(format!("--client={}", clients.min(MAX_CLIENTS))).arg(format!("--time={seconds}"));
        command.arg("--file").arg(&script).arg(url);
        let text = process::output_with(&mut command, Stdio::null(), signals)?;
        let rate = rate(&text).with_context(|| format!("pgbench printed no line \"tps = …\": {text}"))?;
        figures.push((route, rate));
    }
    Ok(figures)
}

/// Reads a line like `tps = 12345.678901 (without initial connection time)`.
fn rate(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rate_reads_back(tps in 0.0..1e9_f64, text: String) {
            prop_assert_eq!(rate(&format!("latency average = 1 ms\ntps = {tps} (x)\n")), Some(tps));
            rate(&format!("tps = {text}"));
        }
    }

    #[test]
    fn the_rate_is_read() {
        let text = "number of failed transactions: 0 (0.000%)\nlatency average = 0.421 ms\n\
                    tps = 47523.127455 (without initial connection time)\n";
        assert_eq!(rate(text), Some(47_523.127_455));
        assert_eq!(rate("pgbench: error: connection failed"), None);
    }
}

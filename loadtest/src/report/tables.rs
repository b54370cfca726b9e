//! The other tables: spread, latency, resources, and whether a server kept up with a given load.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::{bytes, number, range, whole};
use crate::result::{Latency, Round};
use crate::summary::{Summaries, Summary};

use super::blocks::{Block, Cell, Table};

const CPU_PER_1000: &str = "CPU-s per 1,000 requests";

pub(super) fn spread(summaries: &Summaries<'_>) -> Vec<Block> {
    let row = |summary: &Summary<'_>| {
        vec![number(summary.rate.median), range(summary.rate), summary.row.rounds.len().to_string()]
    };
    section("Spread of requests/s", &["median", "min–max", "rounds"], summaries, row)
}

pub(super) fn latency(summaries: &Summaries<'_>) -> Vec<Block> {
    let row = |summary: &Summary<'_>| {
        let of: [fn(&Latency) -> f64; 5] = [|l| l.p50, |l| l.p90, |l| l.p99, |l| l.p999, |l| l.max];
        of.map(|of| shown(summary.median(|round| Some(of(&round.latency_ms))))).to_vec()
    };
    let mut blocks = section("Latency, ms", &["p50", "p90", "p99", "p99.9", "max"], summaries, row);
    let text = if summaries.open_loop().is_some() {
        "Medians over rounds. Requests arrived at a given rate. A request that could not be sent in time is counted as \
         dropped and has no latency."
    } else {
        "Medians over rounds. The loop is closed: a connection sends its next request after the last response, so a slow \
         response also delays the requests that would show it. These latencies are not corrected for coordinated \
         omission, and a server under more load looks better here than to its users."
    };
    blocks.push(Block::Text(text.to_owned()));
    blocks
}

/// Returns CPU and memory of the servers, the generator and the observed processes.
pub(super) fn resources(summaries: &Summaries<'_>) -> Vec<Block> {
    let rounds = summaries.rows.iter().flat_map(|summary| &summary.row.rounds);
    let observed: BTreeSet<&String> = rounds.flat_map(|round| round.observed_cores.keys()).collect();
    let mut head = vec![CPU_PER_1000.to_owned()];
    head.extend(observed.iter().map(|name| format!("{name}, {CPU_PER_1000}")));
    head.extend(["peak memory", "generator, cores"].map(str::to_owned));
    head.extend(observed.iter().map(|name| format!("{name}, cores")));
    let row = |summary: &Summary<'_>| {
        let peak = summary.row.rounds.iter().filter_map(|round| Some(round.server?.peak_memory)).max();
        let cores = |name: &String, round: &Round| round.observed_cores.get(name).copied();
        let cpu = |name: &String, round: &Round| Some(per_1000(cores(name, round)? * round.seconds, round));
        let mut cells = vec![shown(summary.median(|round| Some(per_1000(round.server?.cpu_seconds, round))))];
        cells.extend(observed.iter().map(|name| shown(summary.median(|round| cpu(name, round)))));
        cells.push(peak.map_or_else(unknown, bytes));
        cells.push(shown(summary.median(|round| Some(round.generator_cores))));
        cells.extend(observed.iter().map(|name| shown(summary.median(|round| cores(name, round)))));
        cells
    };
    let mut blocks = section("CPU and memory", &head, summaries, row);
    blocks.push(Block::Text(
        "CPU time and memory are those of the server's processes, without the database. Peak memory is the sum of their \
         largest resident sizes so far; shared pages count for every process. “–” is unknown: the server runs on another \
         machine or in another pod, or some of its processes could not be read."
            .to_owned(),
    ));
    blocks.extend((!observed.is_empty()).then(|| {
        Block::Text(
            "The CPU time of an observed process is all that the process and its descendants used during the \
             measurement, also for work that no request caused."
                .to_owned(),
        )
    }));
    blocks
}

fn per_1000(cpu_seconds: f64, round: &Round) -> f64 {
    cpu_seconds * 1000.0 / round.requests.max(1) as f64
}

/// Returns dropped iterations and failed thresholds, if the workload has them.
pub(super) fn load(summaries: &Summaries<'_>) -> Vec<Block> {
    let has_any = |round: &Round| round.dropped > 0 || !round.failed_thresholds.is_empty();
    let mut rounds = summaries.rows.iter().flat_map(|summary| &summary.row.rounds);
    if summaries.open_loop().is_none() && !rounds.any(has_any) {
        return Vec::new();
    }
    let row = |summary: &Summary<'_>| vec![dropped(summary), failed(summary)];
    section("Did the server keep up?", &["dropped iterations", "failed thresholds"], summaries, row)
}

fn dropped(summary: &Summary<'_>) -> String {
    let dropped: u64 = summary.row.rounds.iter().map(|round| round.dropped).sum();
    let sent: u64 = summary.row.rounds.iter().map(|round| round.requests).sum();
    let share = 100.0 * dropped as f64 / (dropped + sent).max(1) as f64;
    if dropped == 0 { "0".to_owned() } else { format!("{} ({share:.1} %)", whole(dropped)) }
}

fn failed(summary: &Summary<'_>) -> String {
    let mut rounds: BTreeMap<&str, usize> = BTreeMap::new();
    for threshold in summary.row.rounds.iter().flat_map(|round| &round.failed_thresholds) {
        *rounds.entry(threshold).or_default() += 1;
    }
    let all = summary.row.rounds.len();
    let words: Vec<_> =
        rounds.iter().map(|(name, count)| format!("{name} in {count} of {all} rounds")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join("; ") }
}

fn shown(figure: Option<f64>) -> String {
    figure.map_or_else(unknown, number)
}

fn unknown() -> String {
    "–".to_owned()
}

/// Returns a heading and a table with a line for each row of the run.
fn section(
    heading: &str,
    figures: &[impl AsRef<str>],
    summaries: &Summaries<'_>,
    row: impl Fn(&Summary<'_>) -> Vec<String>,
) -> Vec<Block> {
    let head = ["route", "target"].into_iter().chain(figures.iter().map(AsRef::as_ref));
    let rows = summaries.rows.iter().map(|summary| {
        let names = [summary.row.route.clone(), summary.row.target.clone()];
        names.into_iter().chain(row(summary)).map(Cell::from).collect()
    });
    let table = Table { words: 2, head: head.map(str::to_owned).collect(), rows: rows.collect() };
    vec![Block::Heading(heading.to_owned()), Block::Table(table)]
}

#[cfg(test)]
mod tests {
    use crate::report::markdown;
    use crate::result::{Run, sample};

    fn resources(run: &Run) -> Vec<String> {
        let report = markdown(run);
        let section = report.split("## CPU and memory\n\n").nth(1).unwrap();
        section.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_observed_process_has_its_cpu_time_for_each_request() {
        let mut run = sample();
        let row = run.rows.iter_mut().find(|row| row.target == "films").unwrap();
        row.rounds.truncate(1);
        (row.rounds[0].requests, row.rounds[0].seconds) = (400_000, 8.0);
        row.rounds[0].observed_cores.insert("postgres".to_owned(), 0.105);
        let lines = resources(&run);
        assert_eq!(
            lines[0],
            "| route | target | CPU-s per 1,000 requests | postgres, CPU-s per 1,000 requests | peak memory | \
             generator, cores | postgres, cores |"
        );
        let films = lines.iter().find(|line| line.starts_with("| one | films |")).unwrap();
        let cells: Vec<_> = films.split(" | ").collect();
        assert_eq!((cells[3], cells[6]), ("0.0021", "0.105 |"), "{films}");
        // The ceiling uses no database.
        let ceiling = lines.iter().find(|line| line.starts_with("| one | ceiling |")).unwrap();
        assert_eq!(ceiling.split(" | ").nth(3), Some("0"), "{ceiling}");
    }

    #[test]
    fn an_observed_process_that_could_not_be_read_is_unknown() {
        let mut run = sample();
        run.rows[0].rounds.iter_mut().for_each(|round| round.observed_cores.clear());
        let line = resources(&run).into_iter().find(|line| line.starts_with("| one | flask |")).unwrap();
        let cells: Vec<_> = line.split(" | ").collect();
        assert_eq!((cells[3], cells[6]), ("–", "– |"), "{line}");
    }
}

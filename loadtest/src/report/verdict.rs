//! The first lines of a report: what was measured when, and the result in a sentence.

use crate::format::{self, interval, number, range, whole};
use crate::result::{Run, Target};
use crate::summary::{Summaries, Summary};

/// Metadata that belongs to the first line: what was measured.
const VERSIONS: [&str; 4] = ["chart", "image of films", "commit", "films"];

/// Returns when, where and with which versions the figures were measured.
pub(super) fn origin(run: &Run) -> String {
    let date = format::minute(&run.started);
    let cores = format::count(run.machine.cores as u64, "core");
    let mut parts = vec![format!("{date} UTC"), run.machine.cpu.clone(), cores, run.generator.clone()];
    let versions = VERSIONS.iter().filter_map(|name| Some((name, run.metadata.get(*name)?)));
    parts.extend(versions.map(|(name, version)| format!("{name}: {version}")));
    parts.extend((!run.version.is_empty()).then(|| format!("loadtest {}", run.version)));
    let is_shared = run.targets.iter().all(Target::is_local);
    let shared = if is_shared { " The generator and the servers shared this machine." } else { "" };
    format!("{}.{shared}", parts.join(", "))
}

/// Returns the result of a run in a sentence, or `None` if nothing was measured.
pub fn verdict(run: &Run) -> Option<String> {
    sentence(&Summaries::of(run))
}

/// Returns the result of the run in a sentence, or `None` if nothing was measured.
pub(super) fn sentence(summaries: &Summaries<'_>) -> Option<String> {
    let options = &summaries.run.options;
    let subject = options.subject.as_deref().or_else(|| default_subject(summaries.run))?;
    let rows: Vec<_> = summaries.rows.iter().filter(|summary| summary.row.target == subject).collect();
    if rows.is_empty() {
        return None;
    }
    if let Some(rate) = options.rate {
        return Some(rows.iter().map(|row| kept_up(row, rate)).collect::<Vec<_>>().join(" "));
    }
    match options.reference.as_deref().filter(|reference| *reference != subject) {
        Some(reference) => Some(compared(summaries, &rows, reference)),
        None => Some(alone(summaries.run, subject, &rows)),
    }
}

/// Returns where the figures hold.
fn place(run: &Run) -> String {
    match run.options.burners {
        0 => "On this machine".to_owned(),
        burners => format!("On this machine, with {}", format::count(burners, "burner")),
    }
}

/// Returns the first target that is not the reference. Older files name no subject.
fn default_subject(run: &Run) -> Option<&str> {
    let names = || run.targets.iter().map(|target| target.name.as_str());
    let other = names().find(|name| Some(*name) != run.options.reference.as_deref());
    other.or_else(|| names().next())
}

fn compared(summaries: &Summaries<'_>, rows: &[&Summary<'_>], reference: &str) -> String {
    let (mut times, mut same, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for summary in rows {
        let (route, subject) = (summary.row.route.as_str(), &summary.row.target);
        let noise = summaries.noise(route);
        match summaries.ratio(route, subject, reference).and_then(|ratio| noise.map(|_| ratio)) {
            Ok(ratio) if summaries.is_difference(route, ratio) => {
                times.push(format!("{} ({route})", interval(ratio)));
            }
            Ok(_) => same.push(route.to_owned()),
            Err(why) => reasons.push(format!(" There is no ratio for {route}: {why}.")),
        }
    }
    let subject = &rows[0].row.target;
    // Burners take CPU time from the generator, so that it can be the limit without being always busy.
    let is_known = reasons.is_empty() && summaries.run.options.burners == 0;
    let limit = if is_known { "; the generator was not the limit" } else { "" };
    let place = place(summaries.run);
    let text = match (times.is_empty(), same.is_empty()) {
        (false, _) => {
            let times = list(&times);
            format!("{place}, {subject} responds to {times} times as many requests as {reference}{limit}.")
        }
        (true, false) => format!(
            "{place}, this run shows no difference beyond the noise between {subject} and {reference} ({}){limit}.",
            list(&same)
        ),
        (true, true) => format!("This run cannot compare {subject} with {reference}."),
    };
    let others = if times.is_empty() || same.is_empty() {
        String::new()
    } else {
        format!(" For {}, this run shows no difference beyond the noise.", list(&same))
    };
    text + &others + &reasons.concat()
}

/// Says whether a server kept up with the requests of an open loop.
fn kept_up(summary: &Summary<'_>, rate: u32) -> String {
    let (target, rate) = (&summary.row.target, whole(rate.into()));
    let dropped: u64 = summary.row.rounds.iter().map(|round| round.dropped).sum();
    let mut reasons: Vec<String> = summary.flags.iter().map(ToString::to_string).collect();
    if dropped > 0 {
        reasons.push(format!("{} requests could not be sent in time", whole(dropped)));
    }
    if !reasons.is_empty() {
        return format!("{target} did not keep up with {rate} requests a second: {}.", reasons.join("; "));
    }
    let (median, range) = (number(summary.p99.median), range(summary.p99));
    format!(
        "{target} kept up with {rate} requests a second: no request failed, and 99 % of the responses took at most \
         {median} ms ({range} over the rounds)."
    )
}

fn alone(run: &Run, subject: &str, rows: &[&Summary<'_>]) -> String {
    let rate = |row: &&Summary<'_>| format!("{} ({})", number(row.rate.median), row.row.route);
    let rates: Vec<_> = rows.iter().map(rate).collect();
    format!(
        "{}, {subject} responds to {} requests a second; no other server was measured.",
        place(run),
        list(&rates)
    )
}

/// Joins words: `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use crate::report::markdown;
    use crate::result::{Row, Run, sample};

    fn with_subject(subject: &str, reference: &str) -> Run {
        let mut run = sample();
        run.options.subject = Some(subject.to_owned());
        run.options.reference = Some(reference.to_owned());
        run
    }

    /// Returns the run with a second measurement of a target, faster by these factors in turn.
    fn repeated(mut run: Run, target: &str, factors: &[f64]) -> Run {
        let name = format!("{target} again");
        let rows: Vec<Row> = run.rows.iter().filter(|row| row.target == target).cloned().collect();
        for mut row in rows {
            row.target.clone_from(&name);
            for (round, factor) in row.rounds.iter_mut().zip(factors.iter().cycle()) {
                round.seconds /= factor;
            }
            run.rows.push(row);
        }
        run.options.repeat = Some(name);
        run
    }

    fn said(run: &Run) -> String {
        markdown(run).lines().find(|line| line.starts_with("**")).unwrap_or_default().replace('*', "")
    }

    #[test]
    fn the_verdict_has_the_interval_of_each_route() {
        let run = with_subject("films", "flask");
        assert_eq!(
            said(&run),
            "On this machine, films responds to 25.4 to 28.3 (one), 19.5 to 21.2 (list) and 15.1 to 16.1 (post) \
             times as many requests as flask; the generator was not the limit."
        );
    }

    #[test]
    fn a_ratio_inside_the_noise_is_no_difference() {
        let run = repeated(with_subject("ceiling", "films"), "films", &[0.6, 1.5]);
        let text = said(&run);
        assert!(text.contains("this run shows no difference beyond the noise"), "{text}");
        assert!(!text.contains("(list)"), "{text}");
        let calm = repeated(with_subject("ceiling", "films"), "films", &[1.0]);
        assert!(said(&calm).contains("(list)"), "{}", said(&calm));
    }

    #[test]
    fn a_flagged_figure_is_no_part_of_the_verdict() {
        let text = said(&with_subject("films", "quart"));
        assert!(text.contains("(list) times as many requests as quart."), "{text}");
        assert!(
            text.contains("There is no ratio for post: quart is flagged on post: 7 error responses"),
            "{text}"
        );
    }

    #[test]
    fn without_a_second_server_the_verdict_has_the_rates() {
        let text = said(&with_subject("films", "films"));
        assert!(text.starts_with("On this machine, films responds to 24,410 (one), 4,292 (list)"), "{text}");
    }

    #[test]
    fn an_open_loop_is_kept_up_with_or_not() {
        let mut run = with_subject("films", "quart");
        run.options.rate = Some(2000);
        assert!(said(&run).starts_with("films kept up with 2,000 requests a second"), "{}", said(&run));
        let row = run.rows.iter_mut().find(|row| row.target == "films").unwrap();
        row.rounds[0].dropped = 3;
        let text = said(&run);
        assert!(
            text.contains("films did not keep up with 2,000 requests a second: 3 requests could not"),
            "{text}"
        );
    }
}

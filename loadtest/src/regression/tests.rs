use super::*;
use crate::result::sample;

/// Returns the sample with the rounds of a row slower by this factor.
fn slowed(route: &str, target: &str, by: u64) -> Run {
    let mut run = sample();
    let row = run.rows.iter_mut().find(|row| row.route == route && row.target == target).unwrap();
    row.rounds.iter_mut().for_each(|round| round.requests /= by);
    run
}

fn line(comparison: &Comparison, route: &str, target: &str) -> String {
    let begin = format!("| {route} | {target} |");
    comparison.to_string().lines().find(|line| line.starts_with(&begin)).unwrap().to_owned()
}

#[test]
fn a_run_has_not_regressed_from_itself() {
    let comparison = compare(&sample(), &sample(), 0.02);
    assert!(!comparison.has_regressed());
    assert_eq!(comparison.judged(), 14, "all but the flagged row");
    assert!(line(&comparison, "one", "films").contains("| 1.00× ("));
    assert!(comparison.to_string().contains("No regression in 14 judged rows."));
}

#[test]
fn a_slowdown_beyond_the_noise_is_a_regression() {
    let comparison = compare(&sample(), &slowed("one", "films", 2), 0.05);
    assert!(comparison.has_regressed());
    assert!(line(&comparison, "one", "films").contains("| SLOWER | 0.50× ("));
    let faster = compare(&slowed("one", "films", 2), &sample(), 0.05);
    assert!(!faster.has_regressed());
    assert!(line(&faster, "one", "films").contains("| faster | 2.00× ("));
}

#[test]
fn a_slowdown_within_the_tolerance_is_no_regression() {
    assert!(!compare(&sample(), &slowed("one", "films", 2), 0.6).has_regressed());
}

#[test]
fn a_slowdown_within_the_scatter_is_no_regression() {
    let mut wild = sample();
    let row = wild.rows.iter_mut().find(|row| row.target == "films").unwrap();
    for (round, percent) in row.rounds.iter_mut().zip([40, 160, 60, 130, 80]) {
        round.requests = round.requests * percent / 100;
    }
    assert!(!compare(&sample(), &wild, 0.05).has_regressed());
}

#[test]
fn a_slowdown_within_the_noise_of_a_run_is_no_regression() {
    let second = |factors: [f64; 5]| {
        let mut run = slowed("one", "films", 2);
        let mut rows: Vec<_> = run.rows.iter().filter(|row| row.target == "flask").cloned().collect();
        for row in &mut rows {
            row.target = "flask again".to_owned();
            row.rounds.iter_mut().zip(factors).for_each(|(round, factor)| round.seconds *= factor);
        }
        run.rows.extend(rows);
        run.options.repeat = Some("flask again".to_owned());
        run
    };
    assert!(compare(&sample(), &second([1.0, 1.01, 0.99, 1.0, 1.0]), 0.05).has_regressed());
    assert!(!compare(&sample(), &second([0.3, 3.0, 0.5, 2.0, 1.0]), 0.05).has_regressed());

    let mut unknown = second([1.0; 5]);
    unknown.rows.last_mut().unwrap().rounds[0].errors.status = 1;
    let comparison = compare(&sample(), &unknown, 0.05);
    let post = line(&comparison, "post", "films");
    assert!(post.contains("not judged: the noise is unknown: flask again is flagged on post"), "{post}");
}

#[test]
fn flagged_rows_are_not_judged() {
    let comparison = compare(&sample(), &slowed("post", "quart", 2), 0.05);
    assert!(!comparison.has_regressed());
    assert!(
        line(&comparison, "post", "quart")
            .contains("not judged: flagged in the first run: 7 error responses")
    );
}

#[test]
fn a_server_that_began_to_fail_has_regressed() {
    let mut failing = sample();
    failing.rows[3].rounds[0].errors.status = 1;
    let comparison = compare(&sample(), &failing, 0.05);
    assert!(comparison.has_regressed());
    assert!(comparison.to_string().contains("BROKEN since the first run: 1 error responses"));
}

#[test]
fn a_given_load_is_judged_by_its_latency() {
    let (mut a, mut b) = (sample(), sample());
    (a.options.rate, b.options.rate) = (Some(2000), Some(2000));
    for round in b.rows.iter_mut().flat_map(|row| &mut row.rounds) {
        round.latency_ms.p99 *= 2.0;
    }
    assert!(compare(&a, &b, 0.05).has_regressed());
    assert!(!compare(&b, &a, 0.05).has_regressed());
}

#[test]
fn other_differences_are_listed() {
    let mut other = sample();
    other.machine.cores = 64;
    other.machine.memory = None;
    other.options.workload = "spread".to_owned();
    other.options.burners = 4;
    other.metadata.insert("commit".to_owned(), "4567def".to_owned());
    other.rows.retain(|row| row.target != "ceiling");
    let report = compare(&sample(), &other, 0.05).to_string();
    for line in [
        "- cores: 4 in the first, 64 in the second",
        "- memory, bytes: 17179869184 in the first, unknown in the second",
        "- workload: article in the first, spread in the second",
        "- burners: 0 in the first, 4 in the second",
        "- commit: 0123abc in the first, 4567def in the second",
        "## Only in the first run\n\n- ceiling, one",
    ] {
        assert!(report.contains(line), "{line} in {report}");
    }
}

#[test]
fn a_comparison_without_a_judged_row_has_no_verdict() {
    let mut other = sample();
    other.rows.iter_mut().for_each(|row| row.rounds.truncate(1));
    let comparison = compare(&sample(), &other, 0.05);
    assert_eq!(comparison.judged(), 0);
    assert!(comparison.to_string().contains("No row could be judged"));
}

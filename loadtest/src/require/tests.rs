use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::result::sample;

fn check(requirement: &str) -> Verdict {
    requirement.parse::<Requirement>().unwrap().check(&sample())
}

fn error(requirement: &str) -> String {
    format!("{:#}", requirement.parse::<Requirement>().unwrap_err())
}

#[test]
fn a_requirement_is_shown_as_it_was_written() {
    for text in [
        "films/quart one >= 10",
        "films/pgbench post > 1.3",
        "films one p99_ms <= 50",
        "films one rps < 1000",
    ] {
        assert_eq!(text.parse::<Requirement>().unwrap().to_string(), text);
    }
    assert_eq!("films/quart  one>=10".parse::<Requirement>().unwrap().to_string(), "films/quart one >= 10");
}

#[test]
fn a_malformed_requirement_is_refused_with_the_reason() {
    for (text, why) in [
        ("films/quart one 10", "expected one of the signs"),
        ("films/quart one >= ten", "“ten” is not a number"),
        ("films/quart one >= NaN", "NaN is out of range"),
        ("films/quart >= 10", "expected TARGET/OTHER ROUTE"),
        ("films one >= 10", "expected TARGET/OTHER ROUTE"),
        ("films one speed >= 10", "there is no figure “speed”: expected rps or p99_ms"),
        ("/quart one >= 10", "a name on each side"),
        ("films/films one >= 10", "on both sides"),
    ] {
        assert!(error(text).contains(why), "{text}: {}", error(text));
    }
}

#[test]
fn a_ratio_holds_only_with_its_whole_interval() {
    let ratio = check("films/quart one >= 10").to_string();
    assert!(ratio.starts_with("holds: 12.") && ratio.contains('–'), "{ratio}");
    assert!(matches!(check("films/quart one >= 20"), Verdict::Fails(_)));
    let between = check("films/quart one >= 12.5").to_string();
    assert!(
        between.starts_with("cannot be claimed") && between.contains("12.5 is inside the interval"),
        "{between}"
    );
}

#[test]
fn a_ratio_to_another_tools_figure_can_be_required() {
    assert!(check("films/pgbench post >= 1.3").holds());
    assert!(matches!(check("axum-pool/pgbench post >= 1.3"), Verdict::Fails(_)));
}

#[test]
fn a_required_figure_is_the_median() {
    let rate = check("films one rps >= 1000").to_string();
    assert!(rate.starts_with("holds: 2") && rate.contains("requests/s, median of 5 rounds ("), "{rate}");
    assert!(matches!(check("flask one p99_ms <= 50"), Verdict::Fails(_)));
    assert!(check("films one p99_ms <= 50").holds());
}

#[test]
fn a_requirement_that_cannot_be_claimed_does_not_hold() {
    for (text, why) in [
        ("films/quart post >= 1", "quart is flagged on post: 7 error responses"),
        ("quart post rps >= 1", "quart is flagged on post"),
        ("films/django one >= 1", "a target “django” on a route “one”"),
        ("films two rps >= 1", "a target “films” on a route “two”"),
        ("pgbench/films post >= 0", "a target “pgbench”"),
    ] {
        let verdict = check(text);
        assert!(!verdict.holds() && verdict.to_string().contains(why), "{text}: {verdict}");
    }
}

#[test]
fn a_limit_inside_the_noise_cannot_be_claimed() {
    let mut run = sample();
    // films, measured a second time, is sometimes faster and sometimes slower.
    let mut rows: Vec<_> = run.rows.iter().filter(|row| row.target == "films").cloned().collect();
    for row in &mut rows {
        row.target = "films again".to_owned();
        row.rounds
            .iter_mut()
            .zip([0.5, 2.0, 0.8, 1.2, 1.0])
            .for_each(|(round, factor)| round.seconds *= factor);
    }
    run.rows.extend(rows);
    run.options.reference = Some("films".to_owned());
    let check = |rule: &str, run: &Run| rule.parse::<Requirement>().unwrap().check(run);
    assert!(check("films/quart one >= 10", &run).holds());
    run.options.repeat = Some("films again".to_owned());
    let verdict = check("films/quart one >= 10", &run).to_string();
    assert!(verdict.starts_with("cannot be claimed: 12.") && verdict.contains("noise ±"), "{verdict}");
    assert!(check("films/quart one >= 3", &run).holds(), "the limit is beyond the noise");
}

#[test]
fn a_requirement_that_the_plan_cannot_meet_is_refused_before_the_run() {
    let run = sample();
    let mut plan = Plan {
        targets: run.targets,
        options: run.options,
        external: run.external,
        metadata: BTreeMap::new(),
        cgroups: BTreeMap::new(),
        observe: BTreeMap::new(),
        wait: Duration::ZERO,
        stop: Arc::default(),
    };
    let routes = ["one", "list", "post"].map(str::to_owned);
    let check = |rule: &str, plan: &Plan| {
        let checked = rule.parse::<Requirement>().unwrap().check_plan(plan, &routes);
        checked.map_err(|error| error.to_string())
    };
    for rule in ["films/quart one >= 10", "films/pgbench post >= 1", "films one rps >= 1"] {
        assert_eq!(check(rule, &plan), Ok(()), "{rule}");
    }
    for (rule, why) in [
        ("films/django one >= 1", "there is no target django: expected one of flask, quart"),
        ("pgbench/films post >= 0", "there is no target pgbench"),
        ("films two rps >= 1", "there is no route two: expected one of one, list, post"),
    ] {
        assert!(check(rule, &plan).unwrap_err().contains(why), "{rule}: {:?}", check(rule, &plan));
    }
    plan.options.rate = Some(100);
    assert!(check("films/quart one >= 10", &plan).unwrap_err().contains("an open loop has no ratios"));
    assert_eq!(check("films one p99_ms <= 50", &plan), Ok(()));
}

#[test]
fn a_single_round_has_no_ratio() {
    let mut run = sample();
    run.rows.iter_mut().for_each(|row| row.rounds.truncate(1));
    for text in ["films/quart one >= 1", "films/pgbench one >= 1"] {
        let verdict = text.parse::<Requirement>().unwrap().check(&run);
        assert!(verdict.to_string().contains("at least two common rounds"), "{verdict}");
    }
}

proptest! {
    #[test]
    fn a_requirement_reads_back_as_it_is_shown(
        text in any::<String>(),
        words in "[a-z]{1,4}(/[a-z]{1,4}|) ?[a-z]{1,4} ?(rps |p99_ms |)(>=|<=|>|<) ?-?[0-9.e]{1,9}",
    ) {
        for text in [text, words] {
            let Ok(read) = text.parse::<Requirement>() else { continue };
            prop_assert!(read.limit.is_finite() && read.limit >= 0.0, "{}", text);
            let shown = read.to_string();
            prop_assert_eq!(shown.parse::<Requirement>().unwrap().to_string(), shown);
        }
    }
}

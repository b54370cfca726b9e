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
    assert!(between.starts_with("cannot be claimed") && between.contains("12.5 is inside"), "{between}");
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
fn a_single_round_has_no_ratio() {
    let mut run = sample();
    run.rows.iter_mut().for_each(|row| row.rounds.truncate(1));
    for text in ["films/quart one >= 1", "films/pgbench one >= 1"] {
        let verdict = text.parse::<Requirement>().unwrap().check(&run);
        assert!(verdict.to_string().contains("at least two common rounds"), "{verdict}");
    }
}

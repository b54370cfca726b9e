use super::*;
use crate::result::sample;

fn usage(cpu_seconds: f64) -> Usage {
    Usage { cpu_seconds, peak_memory: 0 }
}

fn plan() -> Plan {
    let run = sample();
    let (wait, stop) = (Duration::ZERO, Arc::default());
    Plan {
        targets: run.targets,
        options: run.options,
        metadata: BTreeMap::new(),
        external: Vec::new(),
        cgroups: BTreeMap::new(),
        observe: BTreeMap::new(),
        wait,
        stop,
    }
}

#[test]
fn every_round_begins_with_another_target() {
    let (plan, routes) = (plan(), ["one".to_owned(), "list".to_owned()]);
    let turns = plan.turns(&routes);
    assert_eq!(turns.len(), 6 * 2 * 5, "a warm-up and five rounds of two routes on five targets");
    let first: Vec<_> =
        turns.iter().step_by(10).map(|turn| (turn.target.name.as_str(), turn.seconds)).collect();
    assert_eq!(
        first,
        [("flask", 3), ("quart", 10), ("axum-pool", 10), ("films", 10), ("ceiling", 10), ("flask", 10)]
    );
}

#[test]
fn the_reference_takes_part_twice() {
    let mut plan = plan();
    plan.cgroups.insert("flask".to_owned(), "/flask".into());
    plan.repeat_reference();
    let again = plan.targets.last().unwrap();
    assert_eq!((again.name.as_str(), again.url.as_str()), ("flask again", plan.targets[0].url.as_str()));
    assert_eq!(plan.options.repeat.as_deref(), Some("flask again"));
    assert_eq!(plan.cgroups.get("flask again"), plan.cgroups.get("flask"));
    assert!(plan.check().is_ok());
}

#[test]
fn the_announcement_has_the_time() {
    let mut plan = plan();
    plan.repeat_reference();
    assert_eq!(
        plan.announcement(3, 629),
        "Measuring article: 3 routes of 6 targets (flask again shows the noise) in 5 rounds, about 10m 29s"
    );
    plan.options.burners = 2;
    let announcement = plan.announcement(3, 629);
    assert!(announcement.ends_with(" in 5 rounds, with 2 burners, about 10m 29s"), "{announcement}");
}

#[test]
fn a_plan_without_warm_up_begins_with_the_first_round() {
    let mut plan = plan();
    plan.options.warmup_seconds = 0;
    assert_eq!(plan.turns(&["one".to_owned()])[0].round, 1);
}

#[test]
fn a_plan_with_a_wrong_name_or_process_is_refused() {
    let error = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    };
    assert!(plan().check().is_ok());
    assert!(error(|plan| plan.targets[1].name = "flask".to_owned()).contains("the name flask"));
    assert!(error(|plan| plan.options.ceiling = Some("sky".to_owned())).contains("no target sky"));
    assert!(error(|plan| plan.cgroups.extend([("sky".to_owned(), "/".into())])).contains("no target sky"));
    if cfg!(target_os = "linux") {
        let error = error(|plan| plan.observe.extend([("postgres".to_owned(), u32::MAX >> 1)]));
        assert!(error.contains("observed as postgres: expected a running process"), "{error}");
    }
}

#[test]
fn observed_processes_are_joined_by_name() {
    let before = BTreeMap::from([("cache", usage(100.0)), ("postgres", usage(2.0))]);
    // The first process has ended.
    let after = BTreeMap::from([("postgres", usage(7.0))]);
    assert_eq!(cores(&before, &after, 10.0), BTreeMap::from([("postgres".to_owned(), 0.5)]));
}

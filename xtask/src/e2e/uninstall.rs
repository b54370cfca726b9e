//! What is left when the release is gone, and what the next one does with it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::install::answers;
use super::stage::{RELEASE, Stage};

const LEFT: [&str; 2] = ["persistentvolumeclaim/data-films-postgres-0", "secret/films-postgres"];
/// What every namespace has, or we put there, or says what has been.
const NOT_OURS: [&str; 5] = [
    "configmap/kube-root-ca.crt",
    "event/",
    "event.events.k8s.io/",
    "networkpolicy.networking.k8s.io/default-deny",
    "serviceaccount/default",
];

pub(super) fn play(stage: &Stage) -> Result<()> {
    let reviews = reviews(stage)?;
    ensure!(reviews > 0, "expected reviews in the database from what was played before, saw none");
    stage.step("helm uninstall", || {
        stage.run(&mut stage.helm(&["uninstall", RELEASE, "--wait", "--timeout", "3m"]))?;
        let expected = BTreeSet::from(LEFT.map(str::to_owned));
        stage.until(Duration::from_mins(1), "nothing but the volume's claim and the password", || {
            let left = left(stage)?;
            ensure!(left == expected, "saw {left:?}");
            Ok(())
        })?;
        Ok(format!("leaves {} and nothing else", LEFT.join(" and ")))
    })?;
    stage.step("second install", || {
        stage.upgrade(&[])?;
        answers(stage)?;
        let after = self::reviews(stage)?;
        ensure!(after > reviews, "expected the {reviews} reviews of before and a new one, saw {after}");
        Ok(format!("took over volume and password, with {reviews} reviews"))
    })
}

/// Everything in the namespace that anybody can list.
fn left(stage: &Stage) -> Result<BTreeSet<String>> {
    let kinds = stage.kubectl(&["api-resources", "--verbs=list", "--namespaced", "--output=name"])?;
    // Measurements of pods that are just gone.
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !kind.ends_with("metrics.k8s.io")).collect();
    let names = stage.kubectl(&["get", &kinds.join(","), "--output=name", "--ignore-not-found"])?;
    let ours = |name: &&str| !NOT_OURS.iter().any(|other| name.starts_with(other));
    Ok(names.lines().filter(ours).map(str::to_owned).collect())
}

fn reviews(stage: &Stage) -> Result<u64> {
    let count = ["psql", "-U", "dvdrental", "-d", "dvdrental", "-Atc", "select count(*) from review"];
    let said = stage.kubectl(&[&["exec", "statefulset/films-postgres", "--"][..], &count].concat())?;
    said.trim().parse().with_context(|| format!("expected a count, saw {said}"))
}

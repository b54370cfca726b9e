//! Upgrades that no client notices.

use anyhow::{Context, Result, ensure};

use super::cluster::TestCluster;
use super::forward::Forward;
use super::install::pods;
use super::load::Load;
use super::roles;

/// Longer than two pods need to start and stop, the second after the first.
pub(super) const SECONDS: u64 = 60;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    let load = Load::on_release(cluster, SECONDS);
    cluster.step("upgrade of the configuration, under load", || {
        expect_large_body(cluster, 422)?;
        // Large enough for every real review.
        let counts = replace_pods(cluster, &load, &["config.http.max_body_size=100"])?;
        expect_large_body(cluster, 413)?;
        Ok(format!("in force; {counts}"))
    })?;
    cluster.step("rollout of new pods, under load", || {
        let counts = replace_pods(cluster, &load, &["podAnnotations.rolled=again"])?;
        expect_large_body(cluster, 422)?;
        Ok(counts)
    })?;
    cluster.step("rights of the service after the upgrades", || roles::check(cluster))
}

/// Upgrades while requests arrive, and waits until every earlier pod is gone.
pub(super) fn replace_pods(cluster: &TestCluster, load: &Load, settings: &[&str]) -> Result<String> {
    let before = pods(cluster)?;
    let counts = load.during(cluster, || {
        cluster.upgrade(settings)?;
        expect_replaced(&before, &pods(cluster)?)
    })?;
    Ok(format!("{} pods replaced; {counts}", before.len()))
}

/// Fails unless there are pods, and none of the earlier ones.
fn expect_replaced(before: &[String], after: &[String]) -> Result<()> {
    ensure!(
        !after.is_empty() && after.iter().all(|pod| !before.contains(pod)),
        "expected the upgrade to replace every pod of {before:?}, found {after:?}"
    );
    Ok(())
}

/// Sends a review of 200 bytes about an unknown film. The service reads it and returns 422, or refuses to
/// read it and returns 413.
fn expect_large_body(cluster: &TestCluster, expected: u16) -> Result<()> {
    let api = Forward::to_films(cluster)?;
    let review = format!(r#"{{"film_id":999999,"rating":4{}}}"#, " ".repeat(200));
    let response = api.post("/reviews/", &review)?.expect(expected);
    response.map(drop).with_context(|| format!("a review of {} bytes", review.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_must_leave_pods_and_none_of_the_earlier_ones() {
        let pods = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert!(expect_replaced(&pods(&["a"]), &pods(&["b", "c"])).is_ok());
        assert!(expect_replaced(&pods(&["a"]), &pods(&["a", "b"])).is_err());
        assert!(expect_replaced(&pods(&["a"]), &[]).is_err(), "no pod is left");
    }
}

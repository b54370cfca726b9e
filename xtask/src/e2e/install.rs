//! The installation, with no value set but the names of the images.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cluster::{RELEASE, TestCluster};
use super::forward::Forward;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("helm install", || {
        cluster.upgrade(&[])?;
        Ok("all pods are ready".to_owned())
    })?;
    cluster.step("three routes", || {
        let api = Forward::to_films(cluster)?;
        check_routes(&api)?;
        Ok("all responded through kubectl port-forward".to_owned())
    })?;
    cluster.step("readiness", || {
        let admin = Forward::to(&cluster.namespace, "service/films-admin", 9090)?;
        admin.get("/readyz")?.expect(200)?;
        Ok("/readyz returned 200".to_owned())
    })?;
    cluster.step("helm test", || {
        cluster.output(&mut cluster.helm(&["test", RELEASE, "--timeout", "3m"]))?;
        Ok("passed".to_owned())
    })
}

/// Sends requests to all routes, and checks the responses against README.md.
pub(super) fn check_routes(api: &Forward) -> Result<()> {
    let film = api.get("/films/995/")?.json()?;
    ensure!(film["film_id"] == 995, "expected film 995, got {film}");
    let list = api.get("/films/?year.gt=2000")?.json()?;
    let films = list.as_object().map_or(0, serde_json::Map::len);
    ensure!(films > 0, "expected films after 2000 from the seed, got {list}");
    let review = api.post("/reviews/", r#"{"film_id":995,"rating":4}"#)?.json()?;
    ensure!(review["rating"] == 4, "expected the review that was sent, got {review}");
    api.get("/films/999999/")?.expect(404).context("an unknown film").map(drop)
}

/// Returns the names of the service's pods, as soon as there are pods and none is terminating.
pub(super) fn pods(cluster: &TestCluster) -> Result<Vec<String>> {
    cluster.until(Duration::from_mins(1), "pods of the service, none of them terminating", || {
        names(&cluster.get(&["pods", "--selector=app.kubernetes.io/component=server"])?)
    })
}

fn names(pods: &Value) -> Result<Vec<String>> {
    let pods = pods["items"].as_array().context("kubectl returned no list of pods")?;
    ensure!(!pods.is_empty(), "the service has no pod");
    let names = pods.iter().map(|pod| {
        let name = pod["metadata"]["name"].as_str().context("a pod has no name")?;
        ensure!(pod["metadata"]["deletionTimestamp"].is_null(), "{name} is terminating");
        Ok(name.to_owned())
    });
    names.collect()
}

/// Returns how often the container of a pod was restarted.
pub(super) fn restarts(cluster: &TestCluster, pod: &str) -> Result<u64> {
    let pod = cluster.get(&["pod", pod])?;
    pod["status"]["containerStatuses"][0]["restartCount"].as_u64().context("no container has a status")
}

/// Waits until all routes respond again after a disturbance.
pub(super) fn wait_for_routes(cluster: &TestCluster) -> Result<()> {
    cluster.until(Duration::from_secs(90), "responses of the three routes", || {
        check_routes(&Forward::to_films(cluster)?)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_expected_and_none_of_them_terminating() {
        let pod = |metadata| json!({"items": [{"metadata": metadata}]});
        assert_eq!(names(&pod(json!({"name": "films-1"}))).ok(), Some(vec!["films-1".to_owned()]));
        for (pods, expected) in [
            (json!({"items": []}), "the service has no pod"),
            (json!({}), "kubectl returned no list of pods"),
            (pod(json!({"name": "films-1", "deletionTimestamp": "now"})), "films-1 is terminating"),
        ] {
            assert_eq!(names(&pods).unwrap_err().to_string(), expected);
        }
    }
}

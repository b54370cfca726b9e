//! The installation, with no value set but the names of the images.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cluster::{RELEASE, TestCluster};
use super::forward::{Forward, Response};

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("helm install", || {
        cluster.upgrade(&[])?;
        Ok("all pods are ready".to_owned())
    })?;
    cluster.step("three routes", || {
        let api = Forward::to(&cluster.namespace, "service/films", 5000)?;
        check_routes(&api)?;
        Ok("all responded through kubectl port-forward".to_owned())
    })?;
    cluster.step("readiness", || {
        let admin = Forward::to(&cluster.namespace, "service/films-admin", 9090)?;
        let Response { status, body } = admin.get("/readyz")?;
        ensure!(status == 200, "expected status 200 of /readyz, got {status}: {body}");
        Ok("/readyz returned 200".to_owned())
    })?;
    cluster.step("helm test", || {
        cluster.output(&mut cluster.helm(&["test", RELEASE, "--timeout", "3m"]))?;
        Ok("passed".to_owned())
    })
}

/// Sends requests to all routes, and checks the responses against README.md.
pub(super) fn check_routes(api: &Forward) -> Result<()> {
    let film = json(&api.get("/films/995/")?)?;
    ensure!(film["film_id"] == 995, "expected film 995, got {film}");
    let list = json(&api.get("/films/?year.gt=2000")?)?;
    let films = list.as_object().map_or(0, serde_json::Map::len);
    ensure!(films > 0, "expected films after 2000 from the seed, got {list}");
    let review = json(&api.post("/reviews/", r#"{"film_id":995,"rating":4}"#)?)?;
    ensure!(review["rating"] == 4, "expected the review that was sent, got {review}");
    let unknown = api.get("/films/999999/")?;
    ensure!(unknown.status == 404, "expected status 404 for an unknown film, got {}", unknown.status);
    Ok(())
}

fn json(response: &Response) -> Result<Value> {
    ensure!(response.status == 200, "expected status 200, got {}: {}", response.status, response.body);
    Ok(serde_json::from_str(&response.body)?)
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

/// Waits until all routes respond again after a disturbance.
pub(super) fn wait_for_routes(cluster: &TestCluster) -> Result<()> {
    cluster.until(Duration::from_secs(90), "responses of the three routes", || {
        check_routes(&Forward::to(&cluster.namespace, "service/films", 5000)?)
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

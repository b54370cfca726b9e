//! From nothing to a service that answers, with no value set but the images' names.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::forward::{Answer, Forward};
use super::stage::{RELEASE, Stage};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("helm install", || {
        stage.upgrade(&[])?;
        Ok("everything is ready".to_owned())
    })?;
    stage.step("three routes", || {
        let api = Forward::to(&stage.namespace, "service/films", 5000)?;
        routes(&api)?;
        Ok("answered through kubectl port-forward".to_owned())
    })?;
    stage.step("readiness", || {
        let admin = Forward::to(&stage.namespace, "service/films-admin", 9090)?;
        let answer = admin.get("/readyz")?;
        ensure!(answer.status == 200, "expected /readyz to say 200, saw {}: {}", answer.status, answer.body);
        Ok("the pod says that it is ready".to_owned())
    })?;
    stage.step("helm test", || {
        stage.run(&mut stage.helm(&["test", RELEASE, "--timeout", "3m"]))?;
        Ok("passed".to_owned())
    })
}

/// Asks all three, as README.md says that they answer.
pub(super) fn routes(api: &Forward) -> Result<()> {
    let film = json(&api.get("/films/995/")?)?;
    ensure!(film["film_id"] == 995, "expected film 995, saw {film}");
    let list = json(&api.get("/films/?year.gt=2000")?)?;
    let films = list.as_object().map_or(0, serde_json::Map::len);
    ensure!(films > 0, "expected films after 2000 from the seed, saw {list}");
    let review = json(&api.post("/reviews/", r#"{"film_id":995,"rating":4}"#)?)?;
    ensure!(review["rating"] == 4, "expected the review back, saw {review}");
    let unknown = api.get("/films/999999/")?;
    ensure!(unknown.status == 404, "expected 404 for a film that is not there, saw {}", unknown.status);
    Ok(())
}

fn json(answer: &Answer) -> Result<Value> {
    ensure!(answer.status == 200, "expected 200, saw {}: {}", answer.status, answer.body);
    Ok(serde_json::from_str(&answer.body)?)
}

/// The names of the service's pods, once none of them is about to end.
pub(super) fn pods(stage: &Stage) -> Result<Vec<String>> {
    stage.until(Duration::from_mins(1), "no pod to be about to end", || {
        let found = stage.get(&["pods", "--selector=app.kubernetes.io/component=server"])?;
        let pods = found["items"].as_array().into_iter().flatten();
        let pods = pods.map(|pod| {
            let name = pod["metadata"]["name"].as_str().context("a pod without a name")?;
            ensure!(pod["metadata"]["deletionTimestamp"].is_null(), "{name} is still about to end");
            Ok(name.to_owned())
        });
        pods.collect()
    })
}

/// Waits until the API answers again, however it was disturbed.
pub(super) fn answers(stage: &Stage) -> Result<()> {
    stage.until(Duration::from_secs(90), "the three routes to answer", || {
        routes(&Forward::to(&stage.namespace, "service/films", 5000)?)
    })
}

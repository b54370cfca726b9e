//! One request, found again in Jaeger.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use ureq::http::Request;

use super::forward::Forward;
use super::stage::Stage;

/// An id of our own choosing, as a client that is traced itself sends one.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Spans are exported every few seconds.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("trace", || {
        stage.upgrade(&["jaeger.enabled=true"])?;
        let api = Forward::to(&stage.namespace, "service/films", 5000)?;
        let request = Request::get(api.at("/films/995/"))
            .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let answer = api.send(request.body(String::new())?)?;
        ensure!(answer.status == 200, "expected 200, saw {}: {}", answer.status, answer.body);
        let jaeger = Forward::to(&stage.namespace, "service/films-jaeger", 16686)?;
        let spans = stage.until(PATIENCE, "the request's spans in Jaeger", || spans(&jaeger))?;
        Ok(format!("Jaeger has {}", spans.join(", ")))
    })
}

/// The names of the trace's spans: the request's, and its query's.
fn spans(jaeger: &Forward) -> Result<Vec<String>> {
    let answer = jaeger.get(&format!("/api/traces/{TRACE}"))?;
    ensure!(answer.status == 200, "saw {}: {}", answer.status, answer.body);
    let traces: Value = serde_json::from_str(&answer.body)?;
    let spans = traces["data"][0]["spans"].as_array().into_iter().flatten();
    let names: Vec<String> =
        spans.filter_map(|span| span["operationName"].as_str().map(str::to_owned)).collect();
    ensure!(names.len() > 1 && names.iter().any(|name| name.starts_with("GET /films/")), "saw {names:?}");
    Ok(names)
}

//! A request, found again in Jaeger.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use ureq::http::Request;

use super::cluster::TestCluster;
use super::forward::{self, Forward, Response};

/// The trace id, which a traced client sends in `traceparent`.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// The service exports spans every few seconds.
const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("trace", || {
        cluster.upgrade(&["jaeger.enabled=true"])?;
        let api = Forward::to(&cluster.namespace, "service/films", 5000)?;
        let request = Request::get(api.at("/films/995/"))
            .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let Response { status, body } = forward::send(request.body(String::new())?)?;
        ensure!(status == 200, "expected status 200, got {status}: {body}");
        let jaeger = Forward::to(&cluster.namespace, "service/films-jaeger", 16686)?;
        let spans = cluster.until(TIMEOUT, "the request's spans in Jaeger", || spans(&jaeger))?;
        Ok(format!("Jaeger has {}", spans.join(", ")))
    })
}

/// Returns the names of the trace's spans: the request's, and its query's.
fn spans(jaeger: &Forward) -> Result<Vec<String>> {
    let Response { status, body } = jaeger.get(&format!("/api/traces/{TRACE}"))?;
    ensure!(status == 200, "Jaeger returned {status}: {body}");
    let traces: Value = serde_json::from_str(&body)?;
    let spans = traces["data"][0]["spans"].as_array().into_iter().flatten();
    let names: Vec<String> =
        spans.filter_map(|span| span["operationName"].as_str().map(str::to_owned)).collect();
    ensure!(
        names.len() > 1 && names.iter().any(|name| name.starts_with("GET /films/")),
        "Jaeger has {names:?}"
    );
    Ok(names)
}

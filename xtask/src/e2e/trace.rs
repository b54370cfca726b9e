//! A request, found again in Jaeger.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use ureq::http::Request;

use super::cluster::TestCluster;
use super::forward::{self, Forward};

/// The trace id, which a traced client sends in `traceparent`.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// The service exports spans every few seconds.
const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("trace", || {
        cluster.upgrade(&["jaeger.enabled=true"])?;
        let api = Forward::to_films(cluster)?;
        let request = Request::get(api.at("/films/995/"))
            .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
        forward::send(request.body(String::new())?)?.expect(200)?;
        let jaeger = jaeger(cluster)?;
        let found = cluster.until(TIMEOUT, "the request's spans in Jaeger", || {
            let spans = spans(&jaeger, TRACE)?;
            let names = names(&spans);
            ensure!(
                names.len() > 1 && names.iter().any(|name| name.starts_with("GET /films/")),
                "Jaeger has {names:?}"
            );
            Ok(names.join(", "))
        })?;
        Ok(format!("Jaeger has {found}"))
    })
}

/// Opens a port that leads to Jaeger.
pub(super) fn jaeger(cluster: &TestCluster) -> Result<Forward> {
    Forward::to(&cluster.namespace, "service/films-jaeger", 16686)
}

pub(super) fn spans(jaeger: &Forward, id: &str) -> Result<Vec<Value>> {
    let traces = jaeger.get(&format!("/api/traces/{id}"))?.json()?;
    Ok(traces["data"][0]["spans"].as_array().cloned().unwrap_or_default())
}

pub(super) fn names(spans: &[Value]) -> Vec<&str> {
    spans.iter().filter_map(|span| span["operationName"].as_str()).collect()
}

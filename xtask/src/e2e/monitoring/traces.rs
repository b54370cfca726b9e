//! From an exemplar to its trace, and on to its log line.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::prometheus::Prometheus;
use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::{Forward, Response};

const SERIES: &str = "http_server_request_duration_seconds_bucket";
const LOGS: [&str; 2] = ["logs", "--tail=-1"];

/// Finds a slow request whose exemplar leads to a trace that shows its wait and its query, and to its log line, here
/// and at the Collector.
pub(super) fn follow(cluster: &TestCluster, prometheus: &Prometheus, since: u64) -> Result<String> {
    let jaeger = Forward::to(&cluster.namespace, "service/films-jaeger", 16686)?;
    let exemplars = prometheus.exemplars(SERIES, since)?;
    let is_slow = |exemplar: &&Value| value(exemplar).is_some_and(|seconds| seconds > 1.0);
    let ids: Vec<&str> = exemplars
        .iter()
        .filter(is_slow)
        .filter_map(|exemplar| exemplar["labels"]["trace_id"].as_str())
        .collect();
    ensure!(!ids.is_empty(), "none of {} exemplars is of a slow request", exemplars.len());

    let service =
        cluster.kubectl(&[LOGS.as_slice(), &["--selector=app.kubernetes.io/component=server"]].concat())?;
    let collector = cluster.kubectl(&[LOGS.as_slice(), &["deployment/films-collector"]].concat())?;
    let mut missing = Vec::new();
    for id in &ids {
        match explain(&jaeger, id).and_then(|spans| Ok((spans, check_logs(id, &service, &collector)?))) {
            Ok((spans, ())) => {
                return Ok(format!("{id} of {} exemplars leads to {spans} and its log line", ids.len()));
            }
            Err(error) => missing.push(format!("{id}: {error:#}")),
        }
    }
    bail!("no exemplar leads to a trace and a log line:\n{}", missing.join("\n"))
}

/// Prometheus returns the value as text.
fn value(exemplar: &Value) -> Option<f64> {
    exemplar["value"].as_str()?.parse().ok()
}

/// Checks that a trace shows the request, its wait for the batch, and the shared query, whose links lead to the other
/// requests.
fn explain(jaeger: &Forward, id: &str) -> Result<String> {
    let Response { status, body } = jaeger.get(&format!("/api/traces/{id}"))?;
    ensure!(status == 200, "Jaeger returned {status}: {body}");
    let traces: Value = serde_json::from_str(&body)?;
    let spans = traces["data"][0]["spans"].as_array().into_iter().flatten();
    describe(&spans.collect::<Vec<_>>())
}

fn describe(spans: &[&Value]) -> Result<String> {
    let tag = |span: &Value, key: &str| {
        let mut tags = span["tags"].as_array().into_iter().flatten();
        tags.find(|tag| tag["key"] == key).map(|tag| tag["value"].clone())
    };
    let names: Vec<_> = spans.iter().filter_map(|span| span["operationName"].as_str()).collect();
    ensure!(
        spans.iter().any(|span| tag(span, "span.kind") == Some("server".into())),
        "no server span in {names:?}"
    );
    ensure!(names.contains(&"wait for batch"), "no wait for a batch in {names:?}");
    let mut sizes = spans.iter().filter_map(|span| Some((span, tag(span, "db.operation.batch.size")?)));
    let Some((query, size)) = sizes.next() else { bail!("no query of a batch in {names:?}") };
    let references = query["references"].as_array().into_iter().flatten();
    let links = references.filter(|reference| reference["refType"] == "FOLLOWS_FROM").count();
    ensure!(links > 0, "the query has no link to the other requests of its batch: {query}");
    Ok(format!("{}, a batch of {size} with {links} links", names.join(", ")))
}

fn check_logs(id: &str, service: &str, collector: &str) -> Result<()> {
    let has_line = |log: &str| log.lines().any(|line| line.contains("slow request") && line.contains(id));
    ensure!(has_line(service), "no pod of the service has a line of the slow request");
    // The Collector writes a record in several lines.
    ensure!(
        collector.contains("slow request") && collector.contains(id),
        "the Collector has no line of the request"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trace_needs_request_wait_and_shared_query() -> Result<()> {
        let request =
            json!({ "operationName": "GET /", "tags": [{ "key": "span.kind", "value": "server" }] });
        let wait = json!({ "operationName": "wait for batch" });
        let query = |reference| {
            let tags = [json!({ "key": "db.operation.batch.size", "value": 3 })];
            json!({ "operationName": "SELECT film", "tags": tags, "references": [{ "refType": reference }] })
        };
        let (linked, alone) = (query("FOLLOWS_FROM"), query("CHILD_OF"));
        let all = describe(&[&request, &wait, &linked])?;
        assert_eq!(all, "GET /, wait for batch, SELECT film, a batch of 3 with 1 links");
        for (spans, expected) in [
            ([&request, &wait, &wait], "no query"),
            ([&request, &linked, &linked], "no wait"),
            ([&wait, &wait, &linked], "no server span"),
            ([&request, &wait, &alone], "no link"),
        ] {
            let error = describe(&spans).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        Ok(())
    }

    #[test]
    fn a_log_line_has_the_id_and_says_that_the_request_was_slow() {
        let (line, other) = ("slow request trace_id=a1", "request trace_id=a1");
        assert!(check_logs("a1", line, "Body: slow request\nTrace ID: a1").is_ok());
        assert!(check_logs("a1", other, "Body: slow request\nTrace ID: a1").is_err());
        assert!(check_logs("a1", line, "Body: slow request\nTrace ID: b2").is_err());
    }
}

//! From an exemplar to its trace, and on to its log line.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::prometheus::Prometheus;
use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::Forward;
use crate::e2e::trace::{jaeger, names, spans};

const SERIES: &str = "http_server_request_duration_seconds_bucket";
/// Exemplars that a failure explains.
const SHOWN: usize = 10;
const LOGS: [&str; 2] = ["logs", "--tail=-1"];

/// Finds a slow request whose exemplar leads to a trace that shows its wait and its query, and to its log line, here
/// and at the Collector.
pub(super) fn follow(cluster: &TestCluster, prometheus: &Prometheus, since: u64) -> Result<String> {
    let jaeger = jaeger(cluster)?;
    let exemplars = prometheus.exemplars(SERIES, since)?;
    let is_slow = |exemplar: &&Value| value(exemplar).is_some_and(|seconds| seconds > 1.0);
    let slow = exemplars.iter().filter(is_slow);
    let ids: Vec<&str> = slow.filter_map(|exemplar| exemplar["labels"]["trace_id"].as_str()).collect();
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
    missing.truncate(SHOWN);
    bail!("none of {} exemplars leads to a trace and a log line:\n{}", ids.len(), missing.join("\n"))
}

/// Prometheus returns the value as text.
fn value(exemplar: &Value) -> Option<f64> {
    exemplar["value"].as_str()?.parse().ok()
}

/// Checks that a trace shows the request and its wait for the batch, and that the shared query is in it, or in the
/// trace that the wait is linked with: a query is in the trace of one of its requests.
fn explain(jaeger: &Forward, id: &str) -> Result<String> {
    let spans = spans(jaeger, id)?;
    let wait = wait_of(&spans)?;
    let query = describe_query(&spans).or_else(|error| match linked_traces(wait).next() {
        Some(linked) => describe_query(&self::spans(jaeger, linked)?),
        None => Err(error),
    })?;
    Ok(format!("{}, {query}", names(&spans).join(", ")))
}

fn tag<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
    let mut tags = span["tags"].as_array().into_iter().flatten();
    tags.find(|tag| tag["key"] == key).map(|tag| &tag["value"])
}

/// Returns the traces that a span is linked with.
fn linked_traces(span: &Value) -> impl Iterator<Item = &str> {
    let references = span["references"].as_array().into_iter().flatten();
    let links = references.filter(|reference| reference["refType"] == "FOLLOWS_FROM");
    links.filter_map(|link| link["traceID"].as_str())
}

/// Returns the span of the wait in the trace of a request.
fn wait_of(spans: &[Value]) -> Result<&Value> {
    let is_server = |span: &Value| tag(span, "span.kind").is_some_and(|kind| kind == "server");
    ensure!(spans.iter().any(is_server), "no server span in {:?}", names(spans));
    let wait = spans.iter().find(|span| span["operationName"] == "wait for batch");
    wait.with_context(|| format!("no wait for a batch in {:?}", names(spans)))
}

fn describe_query(spans: &[Value]) -> Result<String> {
    let mut shared = spans.iter().filter_map(|span| Some((span, tag(span, "db.operation.batch.size")?)));
    let (query, size) = shared.next().with_context(|| format!("no shared query in {:?}", names(spans)))?;
    let links = linked_traces(query).count();
    ensure!(links > 0, "the query has no link to the other requests of its batch: {query}");
    let name = query["operationName"].as_str().unwrap_or_default();
    Ok(format!("{name} for {size} requests with {links} links"))
}

fn check_logs(id: &str, service: &str, collector: &str) -> Result<()> {
    let has_both = |record: &str| record.contains("slow request") && record.contains(id);
    ensure!(service.lines().any(has_both), "no pod of the service has a line of the slow request");
    // The Collector writes a record in several lines.
    ensure!(collector.split("LogRecord #").any(has_both), "the Collector has no record of the slow request");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spans(spans: &Value) -> Vec<Value> {
        spans.as_array().cloned().unwrap_or_default()
    }

    #[test]
    fn the_trace_of_a_request_shows_its_wait() {
        let request =
            json!({ "operationName": "GET /", "tags": [{ "key": "span.kind", "value": "server" }] });
        let link = json!({ "refType": "FOLLOWS_FROM", "traceID": "b2" });
        let wait =
            json!({ "operationName": "wait for batch", "references": [{ "refType": "CHILD_OF" }, link] });
        let all = spans(&json!([request, wait]));
        assert_eq!(linked_traces(wait_of(&all).unwrap()).collect::<Vec<_>>(), ["b2"]);
        let expect = |found: Value, expected| {
            let error = wait_of(&spans(&found)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        expect(json!([request]), "no wait for a batch in");
        expect(json!([wait]), "no server span in");
    }

    #[test]
    fn a_shared_query_has_its_size_and_links() {
        let query = |reference, tag| {
            let tags = [json!({ "key": tag, "value": 3 })];
            let reference = json!({ "refType": reference, "traceID": "a1" });
            spans(&json!([{ "operationName": "SELECT film", "tags": tags, "references": [reference] }]))
        };
        let shared = describe_query(&query("FOLLOWS_FROM", "db.operation.batch.size")).unwrap();
        assert_eq!(shared, "SELECT film for 3 requests with 1 links");
        let alone = describe_query(&query("FOLLOWS_FROM", "db.system")).unwrap_err();
        assert!(alone.to_string().starts_with("no shared query in"));
        let unlinked = describe_query(&query("CHILD_OF", "db.operation.batch.size")).unwrap_err();
        assert!(unlinked.to_string().starts_with("the query has no link"));
    }

    #[test]
    fn a_log_line_has_the_id_and_says_that_the_request_was_slow() {
        let (line, other) = ("slow request trace_id=a1", "request trace_id=a1");
        let record = |id| format!("LogRecord #0\nBody: Str(slow request)\nTrace ID: {id}\n");
        assert!(check_logs("a1", line, &record("a1")).is_ok());
        assert!(check_logs("a1", other, &record("a1")).is_err());
        assert!(check_logs("a1", line, &record("b2")).is_err());
        let elsewhere = record("b2") + "LogRecord #1\nBody: Str(request failed)\nTrace ID: a1\n";
        assert!(check_logs("a1", line, &elsewhere).is_err());
    }
}

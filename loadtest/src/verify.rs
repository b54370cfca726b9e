//! Compares the responses of all targets before anything is timed: a server that is fast because it
//! does something else must not be in the table.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use ureq::http::Request;

use crate::result::Target;

/// How often a target that is starting is tried.
const INTERVAL: Duration = Duration::from_millis(100);

/// What every target receives: method, path, body. The last three are requests for missing films.
const REQUESTS: [(&str, &str, &str); 9] = [
    ("GET", "/films/995/", ""),
    ("GET", "/films/1/", ""),
    ("GET", "/films/1000/", ""),
    ("GET", "/films/", ""),
    ("GET", "/films/?year.gt=2010", ""),
    ("POST", "/reviews/", r#"{"film_id":995,"rating":4}"#),
    ("GET", "/films/0/", ""),
    ("GET", "/films/4711/", ""),
    ("POST", "/reviews/", r#"{"film_id":4711,"rating":4}"#),
];

/// Status and body. Error bodies are not part of the contract and are not compared.
type Response = (u16, Option<Value>);

/// Waits until every target responds, at most for `timeout`.
pub fn wait_for(targets: &[Target], timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + timeout;
    for target in targets {
        while let Err(error) = send(target, REQUESTS[0], timeout) {
            if Instant::now() > deadline {
                return Err(error.context(format!("{} did not respond within {timeout:?}", target.name)));
            }
            sleep(INTERVAL);
        }
    }
    Ok(())
}

/// Sends the same requests to every target. Fails on the first response that differs from the first
/// target's, or that takes longer than `timeout`.
pub fn check(targets: &[Target], timeout: Duration) -> Result<()> {
    let Some((first, others)) = targets.split_first() else { return Ok(()) };
    for request in REQUESTS {
        let expected = send(first, request, timeout)?;
        for other in others {
            let response = send(other, request, timeout)?;
            if response != expected {
                let (method, path, _) = request;
                bail!(
                    "{} responds to {method} {path} with {}, but {} with {}: servers that do different things \
                     cannot be compared",
                    other.name,
                    shown(&response),
                    first.name,
                    shown(&expected)
                );
            }
        }
    }
    Ok(())
}

fn send(target: &Target, (method, path, body): (&str, &str, &str), timeout: Duration) -> Result<Response> {
    let what = || format!("{}: {method} {path}", target.name);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .build()
        .into();
    let request =
        Request::builder().method(method).uri(format!("{}{path}", target.url.trim_end_matches('/')));
    let mut response = if body.is_empty() {
        agent.run(request.body(())?)
    } else {
        agent.run(request.header("content-type", "application/json").body(body)?)
    }
    .with_context(what)?;
    let status = response.status().as_u16();
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string().with_context(what)?;
    let body = match status {
        200..=299 => Some(serde_json::from_str(&text).with_context(|| format!("{}: expected JSON", what()))?),
        _ => None,
    };
    Ok((status, body))
}

/// Shows a response in an error, with a long body cut off.
fn shown((status, body): &Response) -> String {
    let body = body.as_ref().map(Value::to_string).unwrap_or_default();
    let start: String = body.chars().take(100).collect();
    let rest = if start.len() < body.len() { "…" } else { "" };
    format!("{status} {start}{rest}").trim_end().to_owned()
}

//! Before anything is timed: do all targets give equal answers? A server that is fast because it
//! does something else has no place in a table.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use ureq::http::Request;

use crate::result::Target;

/// What every target is asked: method, path, body. The answers to the last ones are refusals.
const QUESTIONS: [(&str, &str, &str); 9] = [
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

/// An answer, as far as the contract says what it is: a refusal's body is everybody's own.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: Option<Value>,
}

/// Waits for every target to answer at all, for as long as `patience`.
pub fn wait_for(targets: &[Target], patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    for target in targets {
        while let Err(error) = ask(target, QUESTIONS[0], patience) {
            if Instant::now() > deadline {
                return Err(error.context(format!("{} did not answer within {patience:?}", target.name)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// Asks every target the same, and fails with the first difference from the first target, or with
/// the first answer that takes longer than `timeout`.
pub fn check(targets: &[Target], timeout: Duration) -> Result<()> {
    let Some((first, others)) = targets.split_first() else { return Ok(()) };
    for question in QUESTIONS {
        let expected = ask(first, question, timeout)?;
        for other in others {
            let answer = ask(other, question, timeout)?;
            if answer != expected {
                let (method, path, _) = question;
                bail!(
                    "{} answers {method} {path} with {}, but {} with {}: what differs cannot be compared",
                    other.name,
                    shown(&answer),
                    first.name,
                    shown(&expected)
                );
            }
        }
    }
    Ok(())
}

fn ask(target: &Target, (method, path, body): (&str, &str, &str), timeout: Duration) -> Result<Answer> {
    let asked = || format!("{}: {method} {path}", target.name);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .build()
        .into();
    let request =
        Request::builder().method(method).uri(format!("{}{path}", target.url.trim_end_matches('/')));
    let mut answer = if body.is_empty() {
        agent.run(request.body(())?)
    } else {
        agent.run(request.header("content-type", "application/json").body(body)?)
    }
    .with_context(asked)?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().with_context(asked)?;
    let body = match status {
        200..=299 => Some(serde_json::from_str(&text).with_context(|| format!("{}: not JSON", asked()))?),
        _ => None,
    };
    Ok(Answer { status, body })
}

fn shown(answer: &Answer) -> String {
    let body = answer.body.as_ref().map(Value::to_string).unwrap_or_default();
    let cut: String = body.chars().take(100).collect();
    let rest = if cut.len() < body.len() { "…" } else { "" };
    format!("{} {cut}{rest}", answer.status).trim_end().to_owned()
}

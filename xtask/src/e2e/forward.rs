//! `kubectl port-forward`, the way in that the chart's notes tell people of.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use ureq::http::Request;

use super::stage::kubectl;
use crate::process::{self, Group};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A port of this machine that leads to one of the cluster, until this is dropped.
pub(super) struct Forward {
    url: String,
    agent: ureq::Agent,
    process: Child,
}

/// A status and a body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Forward {
    /// To a port of `service/NAME` or `pod/NAME`.
    pub(super) fn to(namespace: &str, what: &str, port: u16) -> Result<Self> {
        let mut command = kubectl(namespace);
        command.args(["port-forward", what, &format!(":{port}")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            let mut out = BufReader::new(out);
            out.read_line(&mut line)?;
            // A line for every connection follows, and kubectl ends where nobody reads them.
            thread::spawn(move || io::copy(&mut out, &mut io::sink()));
        }
        let mut forward = Self { url: String::new(), agent: agent(), process };
        // “Forwarding from 127.0.0.1:40003 -> 5000”
        let address = line.split_whitespace().nth(2);
        forward.url = address.map(|address| format!("http://{address}")).with_context(|| {
            format!("kubectl port-forward {what} :{port} opened no port; its own words are above")
        })?;
        Ok(forward)
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer> {
        self.send(Request::get(self.at(path)).body(String::new())?)
    }

    pub(super) fn post(&self, path: &str, body: &str) -> Result<Answer> {
        let request = Request::post(self.at(path)).header("content-type", "application/json");
        self.send(request.body(body.to_owned())?)
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(super) fn send(&self, request: Request<String>) -> Result<Answer> {
        let asked = format!("{} {}", request.method(), request.uri());
        let mut answer = self.agent.run(request).context(asked)?;
        Ok(Answer { status: answer.status().as_u16(), body: answer.body_mut().read_to_string()? })
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // Pods come and go behind a port.
        .max_idle_connections(0);
    config.build().into()
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! `kubectl port-forward`, which the chart's notes recommend.

use std::io::{self, BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use ureq::http::Request;

use super::cluster::{TestCluster, kubectl};
use crate::net;
use crate::process::{self, Group, Guard};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A port of this machine that leads to a port of the cluster, until this is dropped.
pub(super) struct Forward {
    url: String,
    _process: Guard,
}

/// A response to a request, which `request` names.
pub(super) struct Response {
    request: String,
    status: u16,
    body: String,
}

impl Response {
    /// Returns the body of a response that must have this status.
    pub(super) fn expect(self, expected: u16) -> Result<String> {
        let Self { request, status, body } = self;
        ensure!(status == expected, "{request} returned {status}, expected {expected}: {body}");
        Ok(body)
    }

    /// Returns the body of a response that must be JSON with status 200.
    pub(super) fn json(self) -> Result<Value> {
        Ok(serde_json::from_str(&self.expect(200)?)?)
    }
}

impl Forward {
    /// Opens a port that leads to the service of the release.
    pub(super) fn to_films(cluster: &TestCluster) -> Result<Self> {
        Self::to(&cluster.namespace, "service/films", 5000)
    }

    /// Opens a port that leads to a port of `service/NAME` or `pod/NAME`.
    pub(super) fn to(namespace: &str, object: &str, port: u16) -> Result<Self> {
        let mut command = kubectl(namespace);
        command.args(["port-forward", object, &format!(":{port}")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = process::spawn(&mut command, Group::Own, Signal::SIGTERM)?;
        let mut process = Guard::new(child, Signal::SIGKILL, TIMEOUT);
        let mut line = String::new();
        if let Some(out) = process.child.stdout.take() {
            let mut out = BufReader::new(out);
            out.read_line(&mut line)?;
            // kubectl prints a line for every connection, and ends if nobody reads them.
            thread::spawn(move || io::copy(&mut out, &mut io::sink()));
        }
        // “Forwarding from 127.0.0.1:40003 -> 5000”
        let address = line.split_whitespace().nth(2).with_context(|| {
            format!("kubectl port-forward {object} :{port} opened no port: its messages are above")
        })?;
        Ok(Self { url: format!("http://{address}"), _process: process })
    }

    pub(super) fn get(&self, path: &str) -> Result<Response> {
        send(Request::get(self.at(path)).body(String::new())?)
    }

    /// Sends a POST with a body of JSON.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<Response> {
        let request = Request::post(self.at(path)).header("content-type", "application/json");
        send(request.body(body.to_owned())?)
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

pub(super) fn send(request: Request<String>) -> Result<Response> {
    let name = format!("{} {}", request.method(), request.uri());
    let mut response = net::agent(TIMEOUT).run(request).with_context(|| name.clone())?;
    let (status, body) = (response.status().as_u16(), response.body_mut().read_to_string()?);
    Ok(Response { request: name, status, body })
}

//! `kubectl port-forward`, which the chart's notes recommend.

use std::io::{self, BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use ureq::http::Request;

use super::cluster::kubectl;
use crate::net;
use crate::process::{self, Group, Guard};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A port of this machine that leads to a port of the cluster, until this is dropped.
pub(super) struct Forward {
    url: String,
    _process: Guard,
}

/// A response.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Forward {
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

    /// Sends a GET.
    pub(super) fn get(&self, path: &str) -> Result<Response> {
        send(Request::get(self.at(path)).body(String::new())?)
    }

    /// Sends a POST with a body of JSON.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<Response> {
        let request = Request::post(self.at(path)).header("content-type", "application/json");
        send(request.body(body.to_owned())?)
    }

    /// Returns the URL of a path.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// Sends a request.
pub(super) fn send(request: Request<String>) -> Result<Response> {
    let name = format!("{} {}", request.method(), request.uri());
    let mut response = net::agent(TIMEOUT).run(request).context(name)?;
    Ok(Response { status: response.status().as_u16(), body: response.body_mut().read_to_string()? })
}

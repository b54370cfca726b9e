//! Starts the generator of a workload. The generator measures; this program only reads its figures.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::k6;
use crate::result::{Errors, Latency, Options, Round, Target};
use crate::workload::{Route, Workload};

/// The generator of a workload, with its scripts in a temporary folder.
#[derive(Debug)]
pub struct Generator {
    workload: Workload,
    /// Name and version of the tool.
    pub version: String,
    scripts: TempDir,
}

impl Generator {
    /// Writes the scripts. If the workload's tool is missing, the error says how to install it.
    pub fn new(workload: Workload) -> Result<Self> {
        let version = workload.tool().version()?;
        let scripts = TempDir::with_prefix("loadtest-").context("cannot write the generator's scripts")?;
        let wrk = ("wrk.lua", include_str!("../workloads/wrk.lua"));
        for (name, text) in k6::SCRIPTS.into_iter().chain([wrk]) {
            fs::write(scripts.path().join(name), text)?;
        }
        Ok(Self { workload, version, scripts })
    }

    /// Sends the requests of a route to a target for this number of seconds.
    pub fn measure(&self, target: &Target, route: &str, seconds: u64, options: &Options) -> Result<Round> {
        let before = children_seconds()?;
        let since = Instant::now();
        let mut round = match &self.workload {
            Workload::Wrk { routes } => {
                let found = routes.iter().find(|candidate| candidate.name == route);
                let route = found.with_context(|| format!("the workload has no route {route}"))?;
                self.wrk(target, route, seconds, options)?
            }
            Workload::K6 { script, .. } => {
                k6::measure(self.scripts.path(), script, target, seconds, options)?
            }
        };
        round.generator_cores = (children_seconds()? - before) / since.elapsed().as_secs_f64();
        Ok(round)
    }

    fn wrk(&self, target: &Target, route: &Route, seconds: u64, options: &Options) -> Result<Round> {
        let mut command = Command::new("wrk");
        command.arg(format!("-t{}", options.threads)).arg(format!("-c{}", options.connections));
        command.arg(format!("-d{seconds}s")).args(["--timeout", "10s", "-s"]);
        command.arg(self.scripts.path().join("wrk.lua")).arg(&target.url).arg("--");
        for request in &route.requests {
            command.args([&request.weight.to_string(), &request.method, &request.path, &request.body]);
        }
        let output = command.stdin(Stdio::null()).output().context("cannot run wrk")?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            bail!("wrk failed ({}): {}", output.status, String::from_utf8_lossy(&text).trim());
        }
        parse_wrk(&String::from_utf8_lossy(&output.stdout))
    }
}

/// Returns the CPU time of all child processes that have ended.
fn children_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The line that `wrk.lua` writes at the end.
#[derive(Deserialize)]
struct WrkLine {
    requests: u64,
    seconds: f64,
    errors: Errors,
    latency_ms: Latency,
}

/// Reads the output of wrk.
pub fn parse_wrk(output: &str) -> Result<Round> {
    let line = output.lines().find_map(|line| line.strip_prefix("loadtest: "));
    let line = line.with_context(|| format!("wrk printed no result line: {}", output.trim()))?;
    let WrkLine { requests, seconds, errors, latency_ms } =
        serde_json::from_str(line).with_context(|| format!("wrk's result line is malformed: {line}"))?;
    Ok(Round { requests, seconds, errors, latency_ms, ..Round::default() })
}

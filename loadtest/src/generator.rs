//! Running wrk and k6: both measure, this program only reads what they say.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::Deserialize;
use tempfile::TempDir;

use crate::result::{Errors, Latency, Round, Target};
use crate::workload::{Route, Workload};

const WRK_SCRIPT: &str = include_str!("../workloads/wrk.lua");
const K6_SCRIPTS: [(&str, &str); 4] = [
    ("films.js", include_str!("../workloads/films.js")),
    ("slo.js", include_str!("../workloads/slo.js")),
    ("spike.js", include_str!("../workloads/spike.js")),
    ("soak.js", include_str!("../workloads/soak.js")),
];

/// How hard a generator tries.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections of wrk, users of k6.
    pub connections: u32,
    /// Threads of wrk.
    pub threads: usize,
    /// Requests a second of k6.
    pub rate: u32,
}

/// The generator of a workload, with its scripts on the disk.
#[derive(Debug)]
pub struct Generator {
    workload: Workload,
    scripts: TempDir,
}

impl Generator {
    /// Fails where the workload's tool is not there, and says how to get it.
    pub fn new(workload: Workload) -> Result<Self> {
        let scripts = TempDir::with_prefix("loadtest-").context("cannot write the generator's scripts")?;
        fs::write(scripts.path().join("wrk.lua"), WRK_SCRIPT)?;
        for (name, text) in K6_SCRIPTS {
            fs::write(scripts.path().join(name), text)?;
        }
        let generator = Self { workload, scripts };
        generator.version()?;
        Ok(generator)
    }

    /// The tool and its version.
    pub fn version(&self) -> Result<String> {
        let (mut command, advice) = match self.workload {
            Workload::Wrk { .. } => {
                let mut command = Command::new("wrk");
                command.arg("-v");
                (command, "apt-get install wrk, brew install wrk")
            }
            Workload::K6 { .. } => {
                let mut command = Command::new("k6");
                command.arg("version");
                (command, "see https://grafana.com/docs/k6, or go install go.k6.io/k6@latest")
            }
        };
        let name = command.get_program().display().to_string();
        let output = command.output().with_context(|| format!("{name} is not there: {advice}"))?;
        // wrk says its version beside its usage, and fails.
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().nth(1).unwrap_or("of an unknown version");
        Ok(format!("{name} {version}"))
    }

    /// Sends one route's requests to one target for so many seconds.
    pub fn measure(&self, target: &Target, route: &str, seconds: u64, load: Load) -> Result<Round> {
        let before = children_seconds()?;
        let since = Instant::now();
        let mut round = match &self.workload {
            Workload::Wrk { routes } => {
                let route = routes.iter().find(|known| known.name == route).context("no such route")?;
                self.wrk(target, route, seconds, load)?
            }
            Workload::K6 { script } => self.k6(target, script, seconds, load)?,
        };
        round.generator_cores = (children_seconds()? - before) / since.elapsed().as_secs_f64();
        Ok(round)
    }

    fn wrk(&self, target: &Target, route: &Route, seconds: u64, load: Load) -> Result<Round> {
        let mut command = Command::new("wrk");
        command.arg(format!("-t{}", load.threads)).arg(format!("-c{}", load.connections));
        command.arg(format!("-d{seconds}s")).args(["--timeout", "10s", "-s"]);
        command.arg(self.scripts.path().join("wrk.lua")).arg(&target.url).arg("--");
        for request in &route.requests {
            command.args([&request.weight.to_string(), &request.method, &request.path, &request.body]);
        }
        let output = run(&mut command)?;
        parse_wrk(&String::from_utf8_lossy(&output.stdout))
    }

    fn k6(&self, target: &Target, script: &str, seconds: u64, load: Load) -> Result<Round> {
        let summary = self.scripts.path().join("summary.json");
        // What an earlier measurement left would be taken for this one's.
        let _ = fs::remove_file(&summary);
        let mut command = Command::new("k6");
        command.args(["run", "--quiet", "--no-usage-report", "--log-output=none"]);
        for (name, value) in [
            ("BASE_URL", target.url.trim_end_matches('/').to_owned()),
            ("SECONDS", seconds.to_string()),
            ("RATE", load.rate.to_string()),
            ("CONNECTIONS", load.connections.to_string()),
            ("SUMMARY", summary.display().to_string()),
        ] {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let output = command.arg(self.scripts.path().join(script)).stdin(Stdio::null()).output()?;
        // 99: a threshold did not hold, which the summary tells too.
        if !output.status.success() && output.status.code() != Some(99) {
            bail!("k6 failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        parse_k6(&read(&summary)?, seconds)
    }
}

/// CPU time of all children that have ended.
fn children_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn run(command: &mut Command) -> Result<Output> {
    let name = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&said).trim());
    }
    Ok(output)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).context("the generator left no summary")
}

/// The line that `wrk.lua` writes at the end.
#[derive(Deserialize)]
struct WrkLine {
    requests: u64,
    seconds: f64,
    errors: Errors,
    latency_ms: Latency,
}

/// Reads what wrk said.
pub fn parse_wrk(output: &str) -> Result<Round> {
    let line = output.lines().find_map(|line| line.strip_prefix("loadtest: "));
    let line = line.with_context(|| format!("wrk did not say what came of it: {}", output.trim()))?;
    let WrkLine { requests, seconds, errors, latency_ms } =
        serde_json::from_str(line).with_context(|| format!("wrk said something else: {line}"))?;
    Ok(Round { requests, seconds, errors, latency_ms, ..Round::default() })
}

/// Reads k6's summary of a run that was to take so many seconds.
pub fn parse_k6(summary: &str, seconds: u64) -> Result<Round> {
    let summary: serde_json::Value = serde_json::from_str(summary).context("k6's summary is not JSON")?;
    let metrics = summary["metrics"].as_object().context("k6's summary has no metrics")?;
    let value =
        |metric: &str, name: &str| metrics.get(metric).and_then(|found| found["values"][name].as_f64());
    let count = |metric: &str, name: &str| {
        metrics.get(metric).and_then(|found| found["values"][name].as_u64()).unwrap_or(0)
    };
    let time = |name: &str| value("http_req_duration", name).unwrap_or_default();
    let requests = count("http_reqs", "count");
    let failed = metrics.iter().flat_map(|(metric, found)| {
        let thresholds = found["thresholds"].as_object().into_iter().flatten();
        let broken = thresholds.filter(|(_, result)| result["ok"] == false);
        broken.map(move |(rule, _)| format!("{metric}: {rule}"))
    });
    Ok(Round {
        requests,
        // k6 waits for the last answers after its time; its own rate counts that too.
        seconds: value("http_reqs", "rate")
            .filter(|rate| *rate > 0.0)
            .map_or(seconds as f64, |rate| requests as f64 / rate),
        // Of the samples of "failed", the ones that are true are counted as passes.
        errors: Errors { status: count("http_req_failed", "passes"), ..Errors::default() },
        latency_ms: Latency {
            mean: time("avg"),
            p50: time("med"),
            p90: time("p(90)"),
            p99: time("p(99)"),
            p999: time("p(99.9)"),
            max: time("max"),
        },
        dropped: count("dropped_iterations", "count"),
        failed_thresholds: failed.collect(),
        ..Round::default()
    })
}

//! Starts k6, which sends requests at a given rate, and reads its summary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::result::{Errors, Latency, Options, Round, Target};

pub(crate) const SCRIPTS: [(&str, &str); 4] = [
    ("films.js", include_str!("../workloads/films.js")),
    ("slo.js", include_str!("../workloads/slo.js")),
    ("spike.js", include_str!("../workloads/spike.js")),
    ("soak.js", include_str!("../workloads/soak.js")),
];

/// Exit status of k6 if a threshold did not hold. The summary names the threshold.
const THRESHOLD_FAILED: i32 = 99;

/// Runs a script of this folder against a target.
pub(crate) fn measure(
    folder: &Path,
    script: &str,
    target: &Target,
    seconds: u64,
    options: &Options,
) -> Result<Round> {
    let summary = folder.join("summary.json");
    // The summary of an earlier measurement would be taken for this measurement's.
    let _ = fs::remove_file(&summary);
    let mut command = Command::new("k6");
    command.args(["run", "--quiet", "--no-usage-report", "--log-output=none"]);
    for (name, value) in [
        ("BASE_URL", target.url.trim_end_matches('/').to_owned()),
        ("SECONDS", seconds.to_string()),
        ("RATE", options.rate.context("an open loop needs a rate")?.to_string()),
        ("CONNECTIONS", options.connections.to_string()),
        ("SUMMARY", summary.display().to_string()),
    ] {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg(folder.join(script)).stdin(Stdio::null());
    let output = command.output().context("cannot run k6")?;
    if !output.status.success() && output.status.code() != Some(THRESHOLD_FAILED) {
        bail!("k6 failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&fs::read_to_string(&summary).context("k6 wrote no summary")?, seconds)
}

/// What a script's `handleSummary` receives from k6.
#[derive(Deserialize)]
struct Summary<T> {
    metrics: T,
}

#[derive(Deserialize)]
struct Metrics {
    http_reqs: Metric<Counter>,
    http_req_failed: Metric<Failed>,
    http_req_duration: Metric<Trend>,
    /// k6 leaves the metric out if it dropped no iteration.
    dropped_iterations: Option<Metric<Count>>,
}

#[derive(Deserialize)]
struct Metric<T> {
    values: T,
}

#[derive(Deserialize)]
struct Counter {
    count: u64,
    rate: f64,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

#[derive(Deserialize)]
struct Failed {
    /// Requests that failed: k6 counts each sample that is true as a pass.
    passes: u64,
}

#[derive(Deserialize)]
struct Trend {
    avg: f64,
    med: f64,
    #[serde(rename = "p(90)")]
    p90: f64,
    #[serde(rename = "p(99)")]
    p99: f64,
    #[serde(rename = "p(99.9)")]
    p999: f64,
    max: f64,
}

#[derive(Deserialize)]
struct Thresholds {
    #[serde(default)]
    thresholds: BTreeMap<String, Threshold>,
}

#[derive(Deserialize)]
struct Threshold {
    ok: bool,
}

/// Reads the summary of a k6 run that was to take this number of seconds.
pub fn parse(summary: &str, seconds: u64) -> Result<Round> {
    let Metrics { http_reqs, http_req_failed, http_req_duration, dropped_iterations } = read(summary)?;
    let Counter { count: requests, rate } = http_reqs.values;
    let latency = http_req_duration.values;
    let all: BTreeMap<String, Thresholds> = read(summary)?;
    let failed = all.into_iter().flat_map(|(metric, Thresholds { thresholds })| {
        let failed = thresholds.into_iter().filter(|(_, threshold)| !threshold.ok);
        failed.map(move |(rule, _)| format!("{metric}: {rule}"))
    });
    Ok(Round {
        requests,
        // After the given time k6 waits for the last responses. Its own rate includes that wait.
        seconds: if rate > 0.0 { requests as f64 / rate } else { seconds as f64 },
        errors: Errors { status: http_req_failed.values.passes, ..Errors::default() },
        latency_ms: Latency {
            mean: latency.avg,
            p50: latency.med,
            p90: latency.p90,
            p99: latency.p99,
            p999: latency.p999,
            max: latency.max,
        },
        dropped: dropped_iterations.map_or(0, |metric| metric.values.count),
        failed_thresholds: failed.collect(),
        ..Round::default()
    })
}

/// Reads the metrics. The error names the metric and the value that are missing.
fn read<T: DeserializeOwned>(summary: &str) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(summary);
    let summary: Summary<T> =
        serde_path_to_error::deserialize(&mut json).context("k6's summary is not as expected")?;
    Ok(summary.metrics)
}

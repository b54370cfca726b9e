//! Starts k6, which sends requests at a given rate, and reads its summary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Number;

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

/// The data that k6 hands to a script's `handleSummary`.
#[derive(Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    values: BTreeMap<String, Number>,
    #[serde(default)]
    thresholds: BTreeMap<String, Threshold>,
}

#[derive(Deserialize)]
struct Threshold {
    ok: bool,
}

impl Summary {
    /// Returns a value, read by `read`. The error names the metric and the value.
    fn value<T>(&self, metric: &str, value: &str, read: fn(&Number) -> Option<T>) -> Result<T> {
        let number = self.metrics.get(metric).and_then(|metric| metric.values.get(value)).and_then(read);
        number.with_context(|| format!("k6's summary lacks the value {value} of the metric {metric}"))
    }

    fn failed_thresholds(&self) -> Vec<String> {
        let all = self.metrics.iter().flat_map(|(metric, Metric { thresholds, .. })| {
            thresholds.iter().map(move |(rule, threshold)| (metric, rule, threshold.ok))
        });
        all.filter(|(.., ok)| !ok).map(|(metric, rule, _)| format!("{metric}: {rule}")).collect()
    }
}

/// Reads the summary of a k6 run that was to take this number of seconds.
pub fn parse(summary: &str, seconds: u64) -> Result<Round> {
    let summary: Summary = serde_json::from_str(summary).context("k6's summary is malformed")?;
    let count = |metric, value| summary.value(metric, value, Number::as_u64);
    let time = |value| summary.value("http_req_duration", value, Number::as_f64);
    let requests = count("http_reqs", "count")?;
    let rate = summary.value("http_reqs", "rate", Number::as_f64)?;
    // k6 leaves the metric out if it dropped no iteration.
    let has_dropped = summary.metrics.contains_key("dropped_iterations");
    Ok(Round {
        requests,
        // After the given time k6 waits for the last responses. Its own rate includes that wait.
        seconds: if rate > 0.0 { requests as f64 / rate } else { seconds as f64 },
        // k6 counts each sample of "failed" that is true as a pass.
        errors: Errors { status: count("http_req_failed", "passes")?, ..Errors::default() },
        latency_ms: Latency {
            mean: time("avg")?,
            p50: time("med")?,
            p90: time("p(90)")?,
            p99: time("p(99)")?,
            p999: time("p(99.9)")?,
            max: time("max")?,
        },
        dropped: if has_dropped { count("dropped_iterations", "count")? } else { 0 },
        failed_thresholds: summary.failed_thresholds(),
        ..Round::default()
    })
}

//! What a run leaves: one JSON file, from which every report is made. It holds what was measured;
//! what follows from it (medians, ratios, marks) is in [`crate::summary`] and never stored.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// The version of the file's form. A reader refuses any other.
pub const SCHEMA: u32 = 1;

/// One run of `compare`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    pub finished: String,
    /// It was stopped before its end: there are fewer rounds than were asked for.
    pub interrupted: bool,
    /// Where it ran.
    pub machine: Machine,
    /// The generator and its version.
    pub generator: String,
    /// Whatever else the caller knew: versions, a commit.
    pub facts: BTreeMap<String, String>,
    /// How it was run.
    pub options: Options,
    /// What was compared, in the order given.
    pub targets: Vec<Target>,
    /// The figures: one row for each route and target.
    pub rows: Vec<Row>,
    /// Figures of other tools to stand beside them.
    pub beside: Vec<Beside>,
}

/// The machine that the generator ran on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub cpu: String,
    /// How many cores this process may use.
    pub cores: usize,
    /// In bytes.
    pub memory: u64,
    /// The kernel's release.
    pub kernel: String,
}

/// How a run was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// The workload's name.
    pub workload: String,
    /// Rounds asked for.
    pub rounds: u32,
    /// Length of one measurement.
    pub seconds: u64,
    /// Length of the warm-up of each target and route.
    pub warmup_seconds: u64,
    /// Connections (wrk) or users (k6).
    pub connections: u32,
    /// Threads of the generator.
    pub threads: usize,
    /// Requests a second that arrive, where the workload is an open loop.
    pub rate: Option<u32>,
    /// The target that others are divided by.
    pub reference: Option<String>,
    /// The target without a database, which shows what HTTP and the generator alone can do.
    pub ceiling: Option<String>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it is called in the report.
    pub name: String,
    /// Its base URL.
    pub url: String,
}

/// All rounds of one route on one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The route's name in its workload.
    pub route: String,
    /// The target's name.
    pub target: String,
    /// In the order in which they were measured.
    pub rounds: Vec<Round>,
}

/// One measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// From 1.
    pub round: u32,
    /// Answers, bad ones included.
    pub requests: u64,
    /// How long it really took.
    pub seconds: f64,
    /// What went wrong.
    pub errors: Errors,
    /// Times from request to answer.
    pub latency_ms: Latency,
    /// Cores that the generator kept busy.
    pub generator_cores: f64,
    /// What the server used, where it could be seen.
    pub server: Option<Usage>,
    /// Cores that observed processes kept busy, by name.
    #[serde(default)]
    pub observed_cores: BTreeMap<String, f64>,
    /// Requests that an open loop could not send in time.
    #[serde(default)]
    pub dropped: u64,
    /// Thresholds of the workload that did not hold.
    #[serde(default)]
    pub failed_thresholds: Vec<String>,
}

/// Answers and connections that went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Answers with a status of 400 or more.
    pub status: u64,
    /// Connections that could not be opened.
    pub connect: u64,
    /// Failed reads.
    pub read: u64,
    /// Failed writes.
    pub write: u64,
    /// Requests without an answer in time.
    pub timeout: u64,
}

impl Errors {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.status + self.connect + self.read + self.write + self.timeout
    }
}

/// Times from request to answer, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

/// What a server used during one measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all its processes.
    pub cpu_seconds: f64,
    /// The sum of its processes' largest resident sizes so far, in bytes. Pages that they share
    /// count for each.
    pub peak_memory: u64,
}

/// A figure of another tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// The tool.
    pub name: String,
    /// The route that it stands beside.
    pub route: String,
    /// Its figure.
    pub requests_per_second: f64,
}

impl Round {
    /// Good answers a second.
    pub fn rate(&self) -> f64 {
        (self.requests.saturating_sub(self.errors.status)) as f64 / self.seconds
    }
}

impl Run {
    /// Reads a run.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?;
        if value["schema"] != SCHEMA {
            bail!(
                "{shown} has the schema {}, expected {SCHEMA}: it is no result of this program",
                value["schema"]
            );
        }
        serde_json::from_value(value).with_context(|| format!("{shown} is not a result of this program"))
    }

    /// Writes it, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, serde_json::to_vec_pretty(self)?)
            .and_then(|()| std::fs::rename(&partial, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

//! The result file: JSON, from which every report is made. The file holds measurements only;
//! [`crate::summary`] derives medians, ratios and flags from them.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use ureq::http::Uri;

pub use crate::round::{Errors, Latency, Round, Usage};

/// Version of the file's format. Other versions are refused.
pub const SCHEMA: u32 = 2;

/// The result of a measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Start, RFC 3339.
    pub started: String,
    /// End, RFC 3339.
    pub finished: String,
    /// True if the run was stopped early, so that rounds are missing.
    pub interrupted: bool,
    /// The machine of the generator.
    pub machine: Machine,
    /// Name and version of the generator.
    pub generator: String,
    /// Version of the load test. Empty in older files.
    #[serde(default)]
    pub version: String,
    /// The requests of each route in words, by the name of the route. Empty in older files.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    /// Descriptions that the caller gave, such as a commit.
    pub metadata: BTreeMap<String, String>,
    /// How the run was made.
    pub options: Options,
    /// The servers, in the order given.
    pub targets: Vec<Target>,
    /// The figures: a row for each route and target.
    pub rows: Vec<Row>,
    /// Figures of other tools, to be shown next to the rows.
    pub external: Vec<External>,
}

/// The machine of the generator. `None` is unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor, or its architecture.
    pub cpu: String,
    /// Number of cores that the process may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Release of the Linux kernel.
    pub kernel: Option<String>,
}

/// How a run is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    /// Name of the workload.
    pub workload: String,
    /// Number of rounds.
    pub rounds: u32,
    /// Length of a measurement in seconds.
    pub seconds: u64,
    /// Length of the warm-up of each target and route in seconds.
    pub warmup_seconds: u64,
    /// Connections (wrk) or users (k6).
    pub connections: u32,
    /// Threads of the generator.
    pub threads: usize,
    /// Requests a second in an open loop. `None` in a closed loop.
    pub rate: Option<u32>,
    /// Name of the target by which the others are divided.
    pub reference: Option<String>,
    /// Name of the target that the verdict is about.
    #[serde(default)]
    pub subject: Option<String>,
    /// Name under which the reference is measured a second time in every round: an A/A comparison, whose
    /// ratio is noise. `None` in an open loop, which has no ratios, and in older files.
    #[serde(default)]
    pub repeat: Option<String>,
    /// Name of the target without a database, which shows the limit of HTTP and the generator.
    pub ceiling: Option<String>,
    /// Number of burners: processes that only compute, so that the cores are busy. 0 in older files.
    #[serde(default)]
    pub burners: u32,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Name in the report.
    pub name: String,
    /// Base URL.
    pub url: String,
}

/// All rounds of a route on a target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Name of the route.
    pub route: String,
    /// Name of the target.
    pub target: String,
    /// The rounds, in the order of measuring.
    pub rounds: Vec<Round>,
}

/// A figure of another tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct External {
    /// Name of the tool.
    pub name: String,
    /// Route that the figure belongs to.
    pub route: String,
    /// The figure.
    pub requests_per_second: f64,
}

impl Target {
    /// Returns the port if the host is a loopback address: the server runs on this machine.
    pub fn local_port(&self) -> Option<u16> {
        let url: Uri = self.url.parse().ok()?;
        let host = url.host()?.trim_matches(['[', ']']);
        let is_local = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        is_local.then(|| url.port_u16().unwrap_or(80))
    }

    /// Tells whether the server runs on this machine, by the host of the URL.
    pub fn is_local(&self) -> bool {
        self.local_port().is_some()
    }
}

impl Run {
    /// Reads a result file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// Reads the text of a result file.
    pub fn parse(text: &str) -> Result<Self> {
        let value: serde_json::Value = serde_json::from_str(text).context("expected JSON")?;
        match value["schema"].as_u64() {
            Some(version) if version == u64::from(SCHEMA) => {}
            Some(1) => bail!(
                "the file has schema 1, expected {SCHEMA}: measure again, or convert the file by \
                 jq '.schema = 2 | .metadata = .facts | .external = .beside | del(.facts, .beside)' FILE"
            ),
            Some(version) => bail!(
                "the file has schema {version}, expected {SCHEMA}: read it with the version of loadtest that wrote it"
            ),
            None => bail!("the file has no schema, so loadtest did not write it: expected a file of `--out`"),
        }
        serde_path_to_error::deserialize(value).context("the file is not a result of loadtest")
    }

    /// Writes the file, completely or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, &serde_json::to_string_pretty(self)?)
    }

    /// Returns the thresholds of the workload that did not hold in some round.
    pub fn failed_thresholds(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().flat_map(|row| &row.rounds).flat_map(|round| &round.failed_thresholds)
    }
}

/// Writes a file, completely or not at all.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_added_extension("partial");
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Returns a result with five targets and pgbench, three routes and five rounds.
#[cfg(test)]
pub(crate) fn sample() -> Run {
    Run::parse(include_str!("../tests/sample.json")).unwrap()
}

#[cfg(test)]
mod tests;

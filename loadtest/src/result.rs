//! The result file: JSON, from which every report is made. The file holds measurements only;
//! [`crate::summary`] derives medians, ratios and flags from them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use ureq::http::Uri;

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
    /// Name of the target without a database, which shows the limit of HTTP and the generator.
    pub ceiling: Option<String>,
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

/// A measurement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// Number of the round, from 1.
    pub round: u32,
    /// Number of responses, errors included.
    pub requests: u64,
    /// Real length in seconds.
    pub seconds: f64,
    /// Failed requests.
    pub errors: Errors,
    /// Times from request to response.
    pub latency_ms: Latency,
    /// Cores that the generator kept busy.
    pub generator_cores: f64,
    /// Resources that the server used. `None` is unknown.
    pub server: Option<Usage>,
    /// Cores that each observed process kept busy. A process that could not be read is missing.
    #[serde(default)]
    pub observed_cores: BTreeMap<String, f64>,
    /// Requests that an open loop could not send in time.
    #[serde(default)]
    pub dropped: u64,
    /// Thresholds of the workload that did not hold.
    #[serde(default)]
    pub failed_thresholds: Vec<String>,
}

/// Numbers of failed requests, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Responses with a status of 400 or more.
    pub status: u64,
    /// Connections that could not be opened.
    pub connect: u64,
    /// Failed reads.
    pub read: u64,
    /// Failed writes.
    pub write: u64,
    /// Requests without a response in time.
    pub timeout: u64,
}

/// Times from request to response, in milliseconds.
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
    /// Maximum.
    pub max: f64,
}

/// Resources that a server used during a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time of all processes of the server.
    pub cpu_seconds: f64,
    /// Sum of the largest resident sizes of all processes so far, in bytes. Shared pages count for
    /// every process.
    pub peak_memory: u64,
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

impl Errors {
    /// Returns the number of all failed requests.
    pub fn total(&self) -> u64 {
        self.status + self.connect + self.read + self.write + self.timeout
    }
}

impl Usage {
    /// Returns the use since an earlier reading, or `None` if CPU time was lost: a process has ended,
    /// and its parent is not part of the server.
    pub fn since(self, before: Self) -> Option<Self> {
        let cpu_seconds = self.cpu_seconds - before.cpu_seconds;
        (cpu_seconds >= 0.0).then_some(Self { cpu_seconds, ..self })
    }
}

impl Round {
    /// Returns the number of responses with a status below 400.
    pub fn successes(&self) -> u64 {
        self.requests.saturating_sub(self.errors.status)
    }

    /// Returns the number of successful responses a second.
    pub fn rate(&self) -> f64 {
        self.successes() as f64 / self.seconds
    }
}

impl Run {
    /// Reads a result file.
    pub fn load(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
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
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, serde_json::to_vec_pretty(self)?)
            .and_then(|()| std::fs::rename(&partial, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the thresholds of the workload that did not hold in some round.
    pub fn failed_thresholds(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().flat_map(|row| &row.rounds).flat_map(|round| &round.failed_thresholds)
    }
}

/// Returns a result with five targets and pgbench, three routes and five rounds.
#[cfg(test)]
pub(crate) fn sample() -> Run {
    Run::parse(include_str!("../tests/sample.json")).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../tests/sample.json");

    #[test]
    fn a_file_of_schema_1_is_refused_with_the_command_that_converts_it() {
        let old = SAMPLE.replace(r#""schema": 2"#, r#""schema": 1"#);
        let error = Run::parse(&old).unwrap_err().to_string();
        assert!(error.contains("schema 1, expected 2: measure again, or convert"), "{error}");
    }

    #[test]
    fn a_file_that_loadtest_did_not_write_is_refused() {
        let error = Run::parse("{}").unwrap_err().to_string();
        assert!(error.contains("has no schema"), "{error}");
        let error = Run::parse(&SAMPLE.replace(r#""schema": 2"#, r#""schema": 3"#)).unwrap_err().to_string();
        assert!(error.contains("schema 3, expected 2"), "{error}");
    }

    #[test]
    fn a_missing_field_is_an_error_that_names_it() {
        let renamed = SAMPLE.replacen(r#""requests""#, r#""request_count""#, 1);
        let error = format!("{:#}", Run::parse(&renamed).unwrap_err());
        assert!(error.contains("rows[0].rounds[0]: missing field `requests`"), "{error}");
    }

    #[test]
    fn lost_cpu_time_makes_the_use_unknown() {
        let usage = |cpu_seconds| Usage { cpu_seconds, peak_memory: 1 };
        assert_eq!(usage(2.0).since(usage(3.0)), None);
        assert_eq!(usage(3.0).since(usage(2.0)), Some(usage(1.0)));
    }

    #[test]
    fn a_loopback_address_is_local() {
        let target = |url: &str| Target { name: "films".to_owned(), url: url.to_owned() };
        for url in ["http://localhost", "http://127.0.0.2:5000", "http://[::1]:5000/", "http://localhost/api"]
        {
            assert!(target(url).is_local(), "{url}");
        }
        for url in ["http://films.default:5000", "http://127.example.com", "http://10.0.0.1"] {
            assert!(!target(url).is_local(), "{url}");
        }
        assert_eq!(target("http://127.0.0.1:5004").local_port(), Some(5004));
    }
}

//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, value_parser};
use loadtest::burners;
use loadtest::measure::{self, Plan};
use loadtest::require::Requirement;
use loadtest::result::{External, Options, Target};
use loadtest::workload::Workload;

use crate::observed::Observed;

/// Compares servers that implement films' contract.
#[derive(Parser)]
#[command(version)]
pub(crate) enum Verb {
    Compare(Box<Compare>),
    Report(Report),
    History(History),
    /// Compute until standard input ends: what `compare --burners` starts.
    #[command(name = burners::VERB, hide = true)]
    Burn,
}

/// Measure targets in interleaved rounds, then print and store the result.
///
/// A closed loop measures the reference twice in every round. The difference between the two is noise, and
/// no smaller difference counts.
///
/// Exits with 1 if a requirement or a threshold fails, and with 130 after Ctrl-C. The rounds until
/// then are stored.
#[derive(Args)]
pub(crate) struct Compare {
    /// Servers to measure, for instance films=http://127.0.0.1:5000.
    #[arg(required = true, value_name = "NAME=URL", value_parser = target)]
    targets: Vec<Target>,
    /// Workload: article, spread, mixed (wrk), slo, spike, soak (k6), or a .toml file.
    #[arg(long, default_value = "article")]
    workload: String,
    /// Number of measurements of each target and route; an interval needs at least 2.
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of a measurement.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds of warm-up for each target and route; 0 for no warm-up.
    #[arg(long, default_value_t = 2)]
    warmup: u64,
    /// Connections, or users of an open loop.
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// Threads of wrk [default: the number of cores, but no more than connections].
    #[arg(long)]
    threads: Option<usize>,
    /// Requests a second of an open loop.
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    rate: u32,
    /// Target by which the others are divided [default: the first].
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Target that the verdict is about [default: the first that is not the reference].
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Target without a database, which shows the limit of HTTP and the generator.
    #[arg(long, value_name = "NAME")]
    ceiling: Option<String>,
    /// Requirement, for instance 'films/quart one >= 10'; may be repeated.
    #[arg(long, value_name = "RULE")]
    pub(crate) require: Vec<Requirement>,
    /// Write the result to this file.
    #[arg(long, default_value = "loadtest.json", value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Store result.json, report.md and report.html in this folder, and a result-TIME.json of every run.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// In a pod: store the files of --folder in this existing ConfigMap. The oldest results make room.
    #[arg(long, value_name = "NAME")]
    pub(crate) config_map: Option<String>,
    /// Description to store in the result, for instance commit=0123abc; may be repeated.
    #[arg(long, value_name = "NAME=TEXT", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Another tool's figure to show in the report, for instance pgbench:one=65000; may be repeated.
    #[arg(long, value_name = "NAME:ROUTE=RPS", value_parser = external)]
    external: Vec<External>,
    /// Cgroup folder of a target, to read CPU time and memory from; may be repeated.
    #[arg(long, value_name = "NAME=FOLDER", value_parser = pair)]
    cgroup: Vec<(String, String)>,
    /// Process to observe with all its descendants, by its id or by the port that it listens on, for
    /// instance postgres=1234 or postgres=:5432; may be repeated.
    #[arg(long, value_name = "NAME=PID|NAME=:PORT", value_parser = process)]
    observe: Vec<(String, Observed)>,
    /// Number of burners: processes that only compute, during the measurements. Most nodes are not idle.
    #[arg(long, default_value_t = 0, value_name = "N")]
    burners: u32,
    /// Seconds to wait for targets that are still starting.
    #[arg(long, default_value_t = 60)]
    wait: u64,
}

/// Show a stored result, or the changes between two results.
///
/// With two results, exits with 1 if the second is slower beyond the noise, or if no row can be
/// judged.
#[derive(Args)]
pub(crate) struct Report {
    /// Result of `compare`.
    pub(crate) before: PathBuf,
    /// Later result, to compare with the first.
    pub(crate) after: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: Files,
    /// Slowdown that is no regression, as a share: 0.05 is 5 %.
    #[arg(long, default_value_t = 0.05)]
    pub(crate) tolerance: f64,
}

/// Show several results over time: the speed of a target and its ratio to the reference.
#[derive(Args)]
pub(crate) struct History {
    /// Results of `compare`, in any order.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) results: Vec<PathBuf>,
    /// Target to show [default: the subject of the last run].
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Also write the history as a page with charts.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Files {
    /// Also write the report as Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Also write the report as a page with charts.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Also write the charts of the throughput as a picture.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Compare {
    /// Returns the plan of the measurement. Setting `stop` to true ends it early.
    pub(crate) fn plan(&self, stop: Arc<AtomicBool>) -> Result<Plan> {
        let workload = Workload::find(&self.workload)?;
        let open_loop = workload.is_open_loop();
        let threads = self.threads.map_or_else(|| measure::default_threads(self.connections), Ok)?;
        let first = self.targets.first().map(|target| &target.name);
        let reference = self.reference.as_ref().or(first);
        let other = self.targets.iter().map(|target| &target.name).find(|name| Some(*name) != reference);
        let mut plan = Plan {
            options: Options {
                workload: self.workload.clone(),
                rounds: self.rounds,
                seconds: self.seconds,
                warmup_seconds: self.warmup,
                connections: self.connections,
                threads,
                rate: open_loop.then_some(self.rate),
                reference: reference.cloned(),
                subject: self.subject.as_ref().or(other).or(first).cloned(),
                repeat: None,
                ceiling: self.ceiling.clone(),
                burners: self.burners,
            },
            targets: self.targets.clone(),
            metadata: self.metadata.iter().cloned().collect(),
            external: self.external.clone(),
            cgroups: self.cgroup.iter().map(|(name, folder)| (name.clone(), folder.into())).collect(),
            observe: self.observed()?,
            wait: Duration::from_secs(self.wait),
            stop,
        };
        if !open_loop {
            plan.repeat_reference();
        }
        let routes = workload.routes();
        self.require.iter().try_for_each(|rule| rule.check_plan(&plan, &routes))?;
        Ok(plan)
    }

    fn observed(&self) -> Result<BTreeMap<String, u32>> {
        self.observe.iter().map(|(name, process)| Ok((name.clone(), process.id(name)?))).collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn target(text: &str) -> Result<Target, String> {
    let (name, url) = pair(text).map_err(|_| "expected NAME=URL".to_owned())?;
    if !url.starts_with("http://") {
        return Err("expected a URL that begins with http://".to_owned());
    }
    Ok(Target { name, url })
}

fn process(text: &str) -> Result<(String, Observed), String> {
    let (name, process) = pair(text)?;
    Ok((name, process.parse()?))
}

fn external(text: &str) -> Result<External, String> {
    let parse = || {
        let (place, figure) = text.split_once('=')?;
        let (name, route) = place.split_once(':')?;
        let requests_per_second = figure.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0)?;
        (!name.is_empty() && !route.is_empty()).then(|| External {
            name: name.to_owned(),
            route: route.to_owned(),
            requests_per_second,
        })
    };
    parse().ok_or_else(|| "expected NAME:ROUTE=REQUESTS_PER_SECOND, with a figure above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_reads_back_from_its_text(name in "[^=:]{1,9}", text in ".{1,9}", rate in 0.001..1e9_f64, id in any::<u32>()) {
            prop_assert_eq!(pair(&format!("{name}={text}")), Ok((name.clone(), text.clone())));
            let url = format!("http://{text}");
            let found = target(&format!("{name}={url}")).unwrap();
            prop_assert_eq!((found.name, found.url), (name.clone(), url));
            let found = external(&format!("{name}:one={rate}")).unwrap();
            prop_assert_eq!((found.name, found.requests_per_second), (name.clone(), rate));
            prop_assert_eq!(process(&format!("{name}={id}")), Ok((name, Observed::Id(id))));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), rate in any::<f64>()) {
            let _ = (pair(&text), target(&text), process(&text));
            for text in [text, format!("pgbench:one={rate}")] {
                let found = external(&text).ok();
                prop_assert!(found.is_none_or(|found| found.requests_per_second > 0.0));
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Verb::command().debug_assert();
    }

    #[test]
    fn malformed_values_are_refused() {
        assert!(target("films").is_err() && target("films=https://films").is_err());
        assert!(external("pgbench=1").is_err() && external("pgbench:one=fast").is_err());
        assert!(external("pgbench:one=NaN").is_err() && external("pgbench:one=0").is_err());
        assert!(external(":one=1").is_err() && external("pgbench:=1").is_err());
        assert!(process("postgres=main").is_err() && pair("=x").is_err());
    }
}

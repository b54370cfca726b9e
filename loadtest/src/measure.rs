//! A measurement: compares the responses of all targets, warms up, then measures every target in
//! every round.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;

use crate::burners::Burners;
use crate::format::count;
use crate::generator::Generator;
use crate::host::{self, Source};
use crate::progress::{self, duration};
use crate::result::{External, Options, Round, Row, Run, SCHEMA, Target, Usage};
use crate::verify;
use crate::workload::Workload;

pub use crate::host::listener;

/// Longer than any server needs for a single request.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// What to measure, and how.
#[derive(Debug)]
pub struct Plan {
    /// The servers.
    pub targets: Vec<Target>,
    /// How to measure them.
    pub options: Options,
    /// Descriptions for the result file, such as a commit.
    pub metadata: BTreeMap<String, String>,
    /// Figures of other tools.
    pub external: Vec<External>,
    /// Cgroup folders of targets. By default, a target is found by its port.
    pub cgroups: BTreeMap<String, PathBuf>,
    /// Processes to observe. A database that is always busy is the bottleneck.
    pub observe: BTreeMap<String, u32>,
    /// How long to wait for targets that are still starting.
    pub wait: Duration,
    /// Set to true, stops the run early. The rounds so far stay in the result.
    pub stop: Arc<AtomicBool>,
}

/// The round before the first, whose figures are discarded.
const WARM_UP: u32 = 0;

/// A measurement of a route on a target.
struct Turn<'a> {
    round: u32,
    target: &'a Target,
    route: &'a str,
    seconds: u64,
}

/// Returns the number of cores, but no more than connections: a thread of wrk needs a connection.
pub fn default_threads(connections: u32) -> Result<usize> {
    Ok(host::cores()?.min(connections as usize))
}

impl Plan {
    /// Adds the reference a second time, as a target of its own. What differs between the two is noise.
    pub fn repeat_reference(&mut self) {
        let reference = self.options.reference.as_deref();
        let Some(target) = self.targets.iter().find(|target| Some(target.name.as_str()) == reference) else {
            return;
        };
        let again = Target { name: format!("{} again", target.name), ..target.clone() };
        if let Some(cgroup) = self.cgroups.get(&target.name).cloned() {
            self.cgroups.insert(again.name.clone(), cgroup);
        }
        self.options.repeat = Some(again.name.clone());
        self.targets.push(again);
    }

    /// Measures. Every round takes the targets in another order, so that no target is always the
    /// first on a cold machine or the last on a hot machine.
    pub fn run(&self) -> Result<Run> {
        self.check()?;
        let workload = Workload::find(&self.options.workload)?;
        let (routes, descriptions) = (workload.routes(), workload.descriptions());
        let generator = Generator::new(workload)?;
        let turns = self.turns(&routes);
        let seconds = turns.iter().map(|turn| turn.seconds).sum();
        eprintln!("{}", self.announcement(routes.len(), seconds));
        verify::wait_for(&self.targets, self.wait)?;
        verify::check(&self.targets, RESPONSE_TIMEOUT)?;

        let mut run = self.empty(&generator, &routes)?;
        run.routes = descriptions;
        let bar = progress::bar(seconds);
        let mut burners = Burners::start(self.options.burners)?;
        let measured = turns.iter().try_for_each(|turn| {
            self.take(turn, &generator, &mut run, &bar)?;
            burners.check()
        });
        drop(burners);
        bar.finish_and_clear();
        run.interrupted = self.is_stopped();
        // Ctrl-C also ends the generator. That error is not a failure of the run.
        if !run.interrupted {
            measured?;
        }
        run.finished = now();
        Ok(run)
    }

    /// Refuses names that are used twice or belong to no target, and processes that cannot be observed.
    fn check(&self) -> Result<()> {
        let names: Vec<&str> = self.targets.iter().map(|target| target.name.as_str()).collect();
        let is_repeated = |(at, name): &(usize, &&str)| names[..*at].contains(name);
        if let Some((_, name)) = names.iter().enumerate().find(is_repeated) {
            bail!("two targets have the name {name}: expected different names");
        }
        let Options { reference, subject, ceiling, .. } = &self.options;
        for name in reference.iter().chain(subject).chain(ceiling).chain(self.cgroups.keys()) {
            if !names.contains(&name.as_str()) {
                bail!("there is no target {name}: expected one of {}", names.join(", "));
            }
        }
        let is_hidden = |process: &u32| cfg!(target_os = "linux") && Source::Tree(*process).read().is_none();
        if let Some((name, process)) = self.observe.iter().find(|(_, process)| is_hidden(process)) {
            bail!(
                "cannot read process {process}, which is to be observed as {name}: expected a running process"
            );
        }
        Ok(())
    }

    /// Returns all measurements in order.
    fn turns<'a>(&'a self, routes: &'a [String]) -> Vec<Turn<'a>> {
        let mut turns = Vec::new();
        for round in 0..=self.options.rounds {
            let seconds = if round == WARM_UP { self.options.warmup_seconds } else { self.options.seconds };
            for route in routes.iter().filter(|_| seconds > 0) {
                let mut targets: Vec<&Target> = self.targets.iter().collect();
                let first = round as usize % targets.len().max(1);
                targets.rotate_left(first);
                turns.extend(targets.into_iter().map(|target| Turn { round, target, route, seconds }));
            }
        }
        turns
    }

    fn take(&self, turn: &Turn<'_>, generator: &Generator, run: &mut Run, bar: &ProgressBar) -> Result<()> {
        if self.is_stopped() {
            return Ok(());
        }
        let Turn { round, target, route, seconds } = *turn;
        let step = if round == WARM_UP {
            format!("warm-up: {} {route}", target.name)
        } else {
            format!("round {round} of {}: {} {route}", self.options.rounds, target.name)
        };
        progress::step(bar, step);
        let measured = self.measure(generator, target, route, seconds)?;
        bar.inc(seconds);
        // Ctrl-C also ends the generator, so the last measurement may be incomplete.
        if round != WARM_UP && !self.is_stopped() {
            let is_row = |row: &&mut Row| row.route == route && row.target == target.name;
            let row = run.rows.iter_mut().find(is_row).context("the run lacks a row")?;
            row.rounds.push(Round { round, ..measured });
        }
        Ok(())
    }

    fn measure(&self, generator: &Generator, target: &Target, route: &str, seconds: u64) -> Result<Round> {
        let cgroup = self.cgroups.get(&target.name).cloned().map(Source::Cgroup);
        let source = cgroup.or_else(|| Source::of(target));
        let server = || source.as_ref().and_then(Source::read);
        let (server_before, observed_before) = (server(), self.observed());
        let mut round = generator
            .measure(target, route, seconds, &self.options)
            .with_context(|| format!("{} {route}", target.name))?;
        round.server = server_before.zip(server()).and_then(|(before, after)| after.since(before));
        round.observed_cores = cores(&observed_before, &self.observed(), round.seconds);
        Ok(round)
    }

    /// Reads the observed processes. A process that cannot be read is missing.
    fn observed(&self) -> BTreeMap<&str, Usage> {
        let read = |(name, process): (_, &u32)| Some((name, Source::Tree(*process).read()?));
        self.observe.iter().map(|(name, process)| (name.as_str(), process)).filter_map(read).collect()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says what is measured, and how long it takes.
    fn announcement(&self, routes: usize, seconds: u64) -> String {
        let Options { workload, rounds, repeat, burners, .. } = &self.options;
        let again = repeat.as_ref().map(|name| format!(" ({name} shows the noise)")).unwrap_or_default();
        let busy = if *burners > 0 { format!(", with {}", count(*burners, "burner")) } else { String::new() };
        format!(
            "Measuring {workload}: {} of {}{again} in {}{busy}, about {}",
            count(routes as u64, "route"),
            count(self.targets.len() as u64, "target"),
            count(*rounds, "round"),
            duration(seconds)
        )
    }

    /// Returns the run before its first round.
    fn empty(&self, generator: &Generator, routes: &[String]) -> Result<Run> {
        let row = |route: &String, target: &Target| Row {
            route: route.clone(),
            target: target.name.clone(),
            rounds: Vec::new(),
        };
        let rows = routes.iter().flat_map(|route| self.targets.iter().map(move |target| row(route, target)));
        Ok(Run {
            schema: SCHEMA,
            started: now(),
            finished: now(),
            interrupted: false,
            machine: host::machine()?,
            generator: generator.version.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            routes: BTreeMap::new(),
            metadata: self.metadata.clone(),
            options: self.options.clone(),
            targets: self.targets.clone(),
            rows: rows.collect(),
            external: self.external.clone(),
        })
    }
}

/// Returns the cores that each process kept busy. A process that either reading lacks is missing.
fn cores(
    before: &BTreeMap<&str, Usage>,
    after: &BTreeMap<&str, Usage>,
    seconds: f64,
) -> BTreeMap<String, f64> {
    let busy = |(name, before): (&&str, &Usage)| {
        let used = after.get(name)?.since(*before)?;
        Some(((*name).to_owned(), used.cpu_seconds / seconds))
    };
    before.iter().filter_map(busy).collect()
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

#[cfg(test)]
mod tests;

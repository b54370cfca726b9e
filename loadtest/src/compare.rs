//! One run: check, warm up, then rounds in which every target has its turn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::agree;
use crate::generator::Generator;
use crate::machine::machine;
use crate::result::{Beside, Options, Round, Row, Run, SCHEMA, Target, Usage};
use crate::usage::Source;
use crate::workload::Workload;

/// Longer than any server needs for one request when it is alone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What to compare, and how.
#[derive(Debug)]
pub struct Plan {
    /// The servers.
    pub targets: Vec<Target>,
    /// How it is measured.
    pub options: Options,
    /// What else is to be kept with the result.
    pub facts: BTreeMap<String, String>,
    /// Figures of other tools.
    pub beside: Vec<Beside>,
    /// Where a target's use can be read, if not by its port.
    pub cgroups: BTreeMap<String, PathBuf>,
    /// Processes to watch: a database that is busy all the time is the bottleneck.
    pub observe: BTreeMap<String, u32>,
    /// How long to wait for targets that are still starting.
    pub wait: Duration,
    /// Set when the run is to stop: what was measured so far is kept.
    pub stop: Arc<AtomicBool>,
}

impl Plan {
    /// Measures. Every round takes the targets in another order, so that none is always the first
    /// on a cold machine or the last on a hot one.
    pub fn run(&self) -> Result<Run> {
        let workload = Workload::find(&self.options.workload)?;
        let routes = workload.routes();
        let generator = Generator::new(workload)?;
        agree::wait_for(&self.targets, self.wait)?;
        agree::check(&self.targets, ANSWER_TIMEOUT)?;

        let mut run = self.empty(&generator, &routes);
        let bar = self.bar(routes.len());
        let measured = self.warm_up(&generator, &routes, &bar).and_then(|()| {
            (1..=self.options.rounds)
                .try_for_each(|round| self.round(round, &generator, &routes, &mut run, &bar))
        });
        bar.finish_and_clear();
        run.interrupted = self.is_stopped();
        // A generator that Ctrl-C ended has failed, and that is no failure of the run.
        if !run.interrupted {
            measured?;
        }
        run.finished = now();
        Ok(run)
    }

    fn warm_up(&self, generator: &Generator, routes: &[String], bar: &ProgressBar) -> Result<()> {
        let seconds = self.options.warmup_seconds;
        for target in self.targets.iter().filter(|_| seconds > 0) {
            for route in routes {
                if self.is_stopped() {
                    return Ok(());
                }
                tell(bar, format!("warm-up: {} {route}", target.name));
                self.measure(generator, target, route, seconds)?;
                bar.inc(seconds);
            }
        }
        Ok(())
    }

    fn round(
        &self,
        round: u32,
        generator: &Generator,
        routes: &[String],
        run: &mut Run,
        bar: &ProgressBar,
    ) -> Result<()> {
        for route in routes {
            let mut turns: Vec<&Target> = self.targets.iter().collect();
            turns.rotate_left(round as usize % self.targets.len().max(1));
            for target in turns {
                if self.is_stopped() {
                    return Ok(());
                }
                tell(bar, format!("round {round} of {}: {} {route}", self.options.rounds, target.name));
                let measured = self.measure(generator, target, route, self.options.seconds)?;
                bar.inc(self.options.seconds);
                // Ctrl-C ends the generator too, and half a measurement is none.
                if !self.is_stopped() {
                    let row =
                        run.rows.iter_mut().find(|row| row.route == *route && row.target == target.name);
                    row.context("no such row")?.rounds.push(Round { round, ..measured });
                }
            }
        }
        Ok(())
    }

    fn measure(&self, generator: &Generator, target: &Target, route: &str, seconds: u64) -> Result<Round> {
        let source =
            self.cgroups.get(&target.name).cloned().map(Source::Cgroup).or_else(|| Source::of(target));
        let read = || source.as_ref().and_then(Source::read);
        let observed = || -> Vec<_> {
            self.observe
                .iter()
                .filter_map(|(name, process)| Some((name, Source::Tree(*process).read()?)))
                .collect()
        };
        let (before, others_before) = (read(), observed());
        let mut round = generator
            .measure(target, route, seconds, &self.options)
            .with_context(|| format!("{} {route}", target.name))?;
        round.server = before.zip(read()).map(|(before, after)| Usage {
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            peak_memory: after.peak_memory,
        });
        round.observed_cores = others_before
            .into_iter()
            .zip(observed())
            .map(|((name, before), (_, after))| {
                (name.clone(), (after.cpu_seconds - before.cpu_seconds) / round.seconds)
            })
            .collect();
        Ok(round)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The run before its first round.
    fn empty(&self, generator: &Generator, routes: &[String]) -> Run {
        let rows = routes.iter().flat_map(|route| {
            let row = |target: &Target| Row {
                route: route.clone(),
                target: target.name.clone(),
                rounds: Vec::new(),
            };
            self.targets.iter().map(row)
        });
        Run {
            schema: SCHEMA,
            started: now(),
            finished: now(),
            interrupted: false,
            machine: machine(),
            generator: generator.version().to_owned(),
            facts: self.facts.clone(),
            options: self.options.clone(),
            targets: self.targets.clone(),
            rows: rows.collect(),
            beside: self.beside.clone(),
        }
    }

    /// Its unit is a second of measuring, so that the time left is known from the start.
    fn bar(&self, routes: usize) -> ProgressBar {
        let turns = (self.targets.len() * routes) as u64;
        let seconds =
            turns * (u64::from(self.options.rounds) * self.options.seconds + self.options.warmup_seconds);
        let bar = ProgressBar::new(seconds);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len} s, {eta} left  {msg}") {
            bar.set_style(style);
        }
        bar
    }
}

/// Where nobody sees a bar, as in a pod's log, what is going on is a line.
fn tell(bar: &ProgressBar, what: String) {
    if bar.is_hidden() {
        eprintln!("{what}");
    }
    bar.set_message(what);
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

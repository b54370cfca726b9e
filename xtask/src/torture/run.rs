//! A run: starts everything, lets faults come until the time is up, and ends with a count of all reviews.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::catalogue;
use super::clients::{Crowd, Stage, count_reviews};
use super::database::Database;
use super::disk::Disk;
use super::faults::{Kind, inject, plan};
use super::history::{Fault, Line};
use super::recorder::Recorder;
use super::rig::Rig;
use crate::postgres::Installation;
use crate::signals::Signals;
use crate::terminal::{name_of, say};

/// What a run is made of.
pub(super) struct Settings {
    pub(super) time: Duration,
    pub(super) seed: u64,
    pub(super) clients: u32,
    pub(super) instances: usize,
    pub(super) faults: Vec<Kind>,
}

/// Runs clients and faults, and writes the history.
pub(super) fn run(
    settings: &Settings,
    program: &Path,
    installation: Installation,
    history: &Path,
) -> Result<()> {
    let signals = Signals::catch()?;
    let disk = settings.faults.contains(&Kind::FullDisk).then(Disk::mount).transpose()?;
    let database = Database::start(installation, disk)?;
    let replicates = settings.faults.contains(&Kind::Failover);
    let logs = history.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(logs).with_context(|| format!("cannot make the folder {}", logs.display()))?;
    let mut rig = Rig::start(database, replicates, program, settings.instances, logs, signals)?;
    let stage = Arc::new(Stage {
        run: catalogue::run(settings.seed),
        recorder: Recorder::create(history)?,
        instances: rig.fronts.iter().map(|link| link.address).collect(),
        database: rig.sql_url(),
        over: AtomicBool::new(false),
    });
    stage.recorder.write(&Line::Run(stage.run.clone()))?;
    say(&format!("Clients are running; the history is {}", history.display()));
    let crowd = Crowd::start(&stage, settings.clients);
    let faults = inject_all(settings, &mut rig, &stage);
    let next = crowd.end();
    faults?;
    count_reviews(&stage, next?, &rig.database.primary.url())?;
    stage.recorder.flush()
}

/// Injects faults until the time is up or a signal comes.
fn inject_all(settings: &Settings, rig: &mut Rig, stage: &Stage) -> Result<()> {
    let end = Instant::now() + settings.time;
    for planned in plan(settings.seed, &settings.faults) {
        rig.hold(planned.pause.min(end.saturating_duration_since(Instant::now())));
        if Instant::now() >= end || rig.signals.check().is_err() {
            break;
        }
        let began = stage.recorder.now();
        let target = inject(rig, &planned)?;
        let ended = stage.recorder.now();
        let kind = name_of(&planned.kind);
        say(&format!(
            "{:8.3} s  {kind}: {target}, over after {} ms",
            seconds(began),
            (ended - began) / 1_000_000
        ));
        stage.recorder.write(&Line::Fault(Fault { kind, target, began, ended }))?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people, who need milliseconds")]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

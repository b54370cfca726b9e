//! Everything that runs: Postgres, the instances, and the links between them and to their clients.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::catalogue;
use super::database::Database;
use super::instance::Instance;
use super::link::Link;
use crate::cargo;
use crate::signals::Signals;

/// The rig of a run.
pub(super) struct Rig {
    // Stopped before their database.
    instances: Vec<Instance>,
    /// From clients to each instance.
    pub(super) fronts: Vec<Link>,
    /// From each instance to Postgres, and one from the clients that change films.
    backs: Vec<Link>,
    pub(super) database: Database,
    pub(super) signals: Signals,
}

impl Rig {
    /// Starts instances of a program on a database with the films of the run.
    pub(super) fn start(
        mut database: Database,
        replicates: bool,
        program: &Path,
        count: usize,
        logs: &Path,
        signals: Signals,
    ) -> Result<Self> {
        cargo::run_verb(program, "migrate", &database.primary.url(), &signals)?;
        catalogue::insert(&database.primary.url())?;
        if replicates {
            database.replicate()?;
        }
        let (mut instances, mut fronts, mut backs) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let (name, log) = (format!("films {number}"), logs.join(format!("films-{number}.log")));
            let back = Link::start(format!("{name} to Postgres"), database.address())?;
            let url = through(&back, &database);
            let mut instance = Instance::new(name.clone(), program.to_owned(), url, log)?;
            instance.start()?;
            fronts.push(Link::start(format!("clients to {name}"), instance.http)?);
            backs.push(back);
            instances.push(instance);
        }
        backs.push(Link::start("SQL clients to Postgres".to_owned(), database.address())?);
        let mut rig = Self { instances, fronts, backs, database, signals };
        rig.settle()?;
        Ok(rig)
    }

    /// Returns the URL of the primary for clients that change films.
    pub(super) fn sql_url(&self) -> String {
        self.backs.last().map_or_else(|| self.database.primary.url(), |back| through(back, &self.database))
    }

    /// Returns an instance, chosen by any number.
    pub(super) fn instance(&mut self, choice: usize) -> &mut Instance {
        let count = self.instances.len();
        &mut self.instances[choice % count]
    }

    /// Returns a link, chosen by any number.
    pub(super) fn link(&self, choice: usize) -> &Link {
        let links: Vec<&Link> = self.fronts.iter().chain(&self.backs).collect();
        links[choice % links.len()]
    }

    /// Waits for this time, or until a signal stops the run.
    pub(super) fn hold(&self, time: Duration) {
        let end = Instant::now() + time;
        while self.signals.check().is_ok() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.signals.wait(left);
        }
    }

    /// Promotes the replica, leads all to it, and makes another replica.
    pub(super) fn fail_over(&mut self) -> Result<String> {
        let time = self.database.promote()?;
        for back in &self.backs {
            back.lead_to(self.database.address());
        }
        self.database.replicate()?;
        Ok(format!("promoted after {} ms", time.as_millis()))
    }

    /// Waits until every instance is ready.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.database.recover()?;
        self.instances.iter_mut().try_for_each(Instance::await_ready)
    }
}

/// Returns the URL of the database through a link.
fn through(link: &Link, database: &Database) -> String {
    let direct = format!(":{}/", database.primary.port());
    database.primary.url().replace(&direct, &format!(":{}/", link.address.port()))
}

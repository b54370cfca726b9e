//! A client of the service: does the steps of its script, and records each.

use std::time::Duration;

use anyhow::Result;

use super::super::history::{Action, Line, List, Operation, Outcome, UNREADABLE};
use super::super::script::{Request, Step, steps};
use super::reply;
use super::session::Session;
use super::stage::Stage;

/// Time before a request with a key is sent again.
const RETRY: Duration = Duration::from_millis(50);

pub(super) struct Visitor<'a> {
    stage: &'a Stage,
    client: u32,
    session: Session,
}

impl<'a> Visitor<'a> {
    /// Returns a client that has done nothing yet.
    pub(super) fn new(stage: &'a Stage, client: u32) -> Self {
        Self { stage, client, session: Session::new(stage.instances.clone()) }
    }

    /// Does the steps of the script until the run ends.
    pub(super) fn run(mut self) -> Result<()> {
        for step in steps(self.stage.run.seed, self.client).take_while(|_| !self.stage.is_over()) {
            self.act(&step)?;
            self.stage.sleep(step.pause);
        }
        Ok(())
    }

    fn act(&mut self, step: &Step) -> Result<()> {
        let (instance, conditional) = (self.session.instance(step.instance), step.conditional);
        match &step.request {
            Request::Film(film) => self.read(instance, &format!("/films/{film}/"), conditional, |content| {
                let value = content.map_or(UNREADABLE, reply::film);
                Action::ReadFilm { film: *film, conditional, value }
            }),
            Request::List(list) => {
                let List { path, films } = &self.stage.run.lists[*list];
                self.read(instance, path, conditional, |content| {
                    let values = content.map_or_else(Vec::new, |content| reply::list(content, films));
                    Action::ReadList { list: *list, conditional, values }
                })
            }
            Request::Reviews(film) => {
                self.read(instance, &format!("/films/{film}/reviews/?limit=1"), conditional, |content| {
                    let counts = content.map_or([0; 5], reply::reviews);
                    Action::ReadReviews { film: *film, conditional, counts }
                })
            }
            Request::Review { film, rating, key: None } => {
                self.post(instance, *film, *rating, None).map(|_| ())
            }
            Request::Review { film, rating, key } => self.insist(instance, *film, *rating, key.as_deref()),
        }
    }

    fn read(
        &mut self,
        instance: usize,
        path: &str,
        conditional: bool,
        action: impl FnOnce(Option<&serde_json::Value>) -> Action,
    ) -> Result<()> {
        let invoked = self.stage.recorder.now();
        let read = self.session.read(instance, path, conditional);
        let outcome = if read.content.is_some() { Outcome::Ok } else { Outcome::Failed };
        self.record(instance, action(read.content.as_ref()), invoked, outcome, read.status)
    }

    /// Sends a review with a key until its outcome is certain, to one instance after the other, and then once
    /// more, like a client that has lost the response.
    fn insist(&mut self, first: usize, film: u32, rating: usize, key: Option<&str>) -> Result<()> {
        let mut certain = 0;
        for attempt in 0.. {
            let instance = self.session.instance(first + attempt);
            if self.post(instance, film, rating, key)? == Outcome::Unknown {
                self.stage.sleep(RETRY);
            } else {
                certain += 1;
            }
            if certain == 2 || self.stage.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn post(&mut self, instance: usize, film: u32, rating: usize, key: Option<&str>) -> Result<Outcome> {
        let invoked = self.stage.recorder.now();
        let status = self.session.review(instance, film, rating, key).ok();
        let outcome = match status {
            Some(200) => Outcome::Ok,
            // Another request with this key has not ended, and may still store the review.
            Some(409) | None => Outcome::Unknown,
            Some(400..500) => Outcome::Failed,
            // Postgres may have committed it before it became unreachable.
            Some(_) => Outcome::Unknown,
        };
        let key = key.map(str::to_owned);
        self.record(instance, Action::PostReview { film, rating, key }, invoked, outcome, status)?;
        Ok(outcome)
    }

    fn record(
        &self,
        instance: usize,
        action: Action,
        invoked: u64,
        outcome: Outcome,
        status: Option<u16>,
    ) -> Result<()> {
        let returned = self.stage.recorder.now();
        let instance = Some(instance);
        let operation =
            Operation { client: self.client, action, invoked, returned, outcome, instance, status };
        self.stage.recorder.write(&Line::Operation(operation))
    }
}

//! A client of Postgres, which changes films.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context, Result};
use postgres::{Client, Config, Error, NoTls};

use super::super::history::{Action, Outcome};
use super::super::script::changes;
use super::stage::Stage;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(50);
/// The values of each client begin at its number times this, so that no value is written twice.
const VALUES: u64 = 1_000_000_000;

pub(super) struct Changer<'a> {
    stage: &'a Stage,
    client: u32,
    connection: Option<Client>,
}

impl<'a> Changer<'a> {
    /// Returns a client that is not connected yet.
    pub(super) fn new(stage: &'a Stage, client: u32) -> Self {
        Self { stage, client, connection: None }
    }

    /// Changes films until the run ends, each to another value.
    pub(super) fn run(mut self) -> Result<()> {
        let changes = changes(self.stage.run.seed, self.client);
        for (value, (film, pause)) in (u64::from(self.client) * VALUES + 1..).zip(changes) {
            if self.stage.is_over() {
                break;
            }
            self.change(film, value)?;
            self.stage.sleep(pause);
        }
        Ok(())
    }

    fn change(&mut self, film: u32, value: u64) -> Result<()> {
        let stage = self.stage;
        let Some(connection) = self.connected() else { return Ok(()) };
        let id = i32::try_from(film)?;
        let invoked = stage.recorder.now();
        let changed =
            connection.execute("update film set title = $1 where film_id = $2", &[&value.to_string(), &id]);
        let returned = stage.recorder.now();
        let outcome = changed.map_or_else(|error| outcome(&error), |_| Outcome::Ok);
        if outcome != Outcome::Ok {
            self.connection = None;
        }
        stage.record_sql(self.client, Action::ChangeFilm { film, value }, (invoked, returned), outcome)
    }

    /// Returns the connection. Opens one if there is none, and waits for a moment if that fails.
    fn connected(&mut self) -> Option<&mut Client> {
        if self.connection.is_none() {
            self.connection = connect(&self.stage.database).ok();
        }
        if self.connection.is_none() {
            self.stage.sleep(RETRY);
        }
        self.connection.as_mut()
    }
}

fn connect(database: &str) -> Result<Client> {
    let mut config = Config::from_str(database)?;
    config.connect_timeout(CONNECT_TIMEOUT);
    Ok(config.connect(NoTls)?)
}

/// Returns the outcome of a statement that failed. After a lost connection, it may have been committed. An
/// error of class 57 ended the session, which can also happen after the commit.
fn outcome(error: &Error) -> Outcome {
    match error.code() {
        Some(code) if !code.code().starts_with("57") => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// Counts the reviews of each film by SQL, and records them as operations of a client.
pub(in super::super) fn count_reviews(stage: &Stage, client: u32, database: &str) -> Result<()> {
    let invoked = stage.recorder.now();
    let mut connection = Client::connect(database, NoTls).context("cannot connect to count the reviews")?;
    let rows = connection
        .query("select film_id, rating, count(*) from review group by 1, 2", &[])
        .context("cannot count the reviews")?;
    let returned = stage.recorder.now();
    for film in &stage.run.films {
        let mut counts = [0; 5];
        for row in rows.iter().filter(|row| u32::try_from(row.get::<_, i32>(0)) == Ok(*film)) {
            let rating = usize::try_from(row.get::<_, i32>(1))?;
            counts[rating - 1] = u64::try_from(row.get::<_, i64>(2))?;
        }
        let action = Action::CountReviews { film: *film, counts };
        stage.record_sql(client, action, (invoked, returned), Outcome::Ok)?;
    }
    Ok(())
}

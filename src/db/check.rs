//! Whether the database can serve, looked at in the background so that a probe costs it nothing.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::error::{Error, UNDEFINED_TABLE};
use super::migrate::MIGRATOR;
use super::pool::Pool;
use super::query::Query;

/// First wait after a failed check; it doubles up to the interval between checks.
const FIRST_RETRY: Duration = Duration::from_millis(50);

/// What the last check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No check has ended yet.
    Connecting,
    /// It answers, and every migration of this build is applied.
    Up,
    /// It answers, but this migration of ours is not applied.
    Behind(i64),
    /// It answers, but a change to a film would go unseen: what says that there was one is missing, or
    /// is switched off.
    Untracked,
    /// It cannot be reached, or does not answer.
    Down,
}

/// The last check of each Postgres that an instance uses.
#[derive(Clone, Debug)]
pub struct Checks {
    /// The one that is written to.
    pub database: watch::Receiver<Status>,
    /// The one that is read from, where that is another.
    pub replica: Option<watch::Receiver<Status>>,
}

/// Starts checking. The task ends when the receivers are gone.
pub(super) fn watch(pool: Pool, interval: Duration) -> watch::Receiver<Status> {
    let (sender, receiver) = watch::channel(Status::Connecting);
    tokio::spawn(async move {
        let mut retry = FIRST_RETRY;
        loop {
            if let Some(status) = check(&pool, interval).await {
                announce(&sender, pool.name(), status);
            }
            let up = *sender.borrow() == Status::Up;
            retry = if up { FIRST_RETRY } else { (retry * 2).min(interval) };
            let pause = if up { interval } else { retry };
            tokio::select! {
                () = sleep(pause) => {}
                () = sender.closed() => return,
            }
        }
    });
    receiver
}

/// Nothing where every connection stayed in use for an interval: busy is not away.
async fn check(pool: &Pool, interval: Duration) -> Option<Result<Status, Error>> {
    let lease = timeout(interval, pool.acquire()).await.ok()?;
    let applied = match lease {
        Ok(lease) => lease.run(&Applied, &[]).await,
        Err(error) => Err(error),
    };
    Some(applied.map(|applied| status(&applied)))
}

fn status(applied: &[Migration]) -> Status {
    match missing(applied) {
        Some(version) => Status::Behind(version),
        None if applied.iter().all(|migration| migration.tracked) => Status::Up,
        None => Status::Untracked,
    }
}

/// A migration that is applied, and whether the triggers of `0002` are at work.
struct Migration {
    version: i64,
    tracked: bool,
}

/// Answers with the migrations that are applied.
struct Applied;

impl Query for Applied {
    const NAME: &'static str = "check";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "_sqlx_migrations";
    const READ_ONLY: bool = true;
    type Ask = ();
    type Answer = Migration;

    async fn run(&self, connection: &mut PgConnection, _: &[()]) -> Result<Vec<Migration>, sqlx::Error> {
        // `O`: for all but what a subscription applies. A restore leaves triggers like that.
        let applied = sqlx::query_as!(
            Migration,
            r#"select version, (
                 select count(*) = 2 from pg_trigger
                 where tgrelid = to_regclass('film') and tgname in ('film_changed', 'film_truncated')
                   and tgenabled in ('A', 'O')
               ) as "tracked!" from _sqlx_migrations where success"#
        );
        match applied.fetch_all(connection).await {
            // The table comes with the first migration.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
                Ok(Vec::new())
            }
            result => result,
        }
    }
}

/// The first migration of this build that is not among the applied ones. Those of a later build
/// may be there: after a roll-back the schema is ahead, which is fine.
fn missing(applied: &[Migration]) -> Option<i64> {
    let is_applied = |version: &i64| applied.iter().any(|migration| migration.version == *version);
    MIGRATOR.iter().map(|migration| migration.version).find(|version| !is_applied(version))
}

/// Publishes the status, and logs it where it changed.
fn announce(sender: &watch::Sender<Status>, name: &str, result: Result<Status, Error>) {
    let status = *result.as_ref().unwrap_or(&Status::Down);
    if sender.send_replace(status) == status {
        return;
    }
    match (status, result) {
        (Status::Behind(version), _) => {
            warn!(migration = version, "the {name}'s schema is behind this build: run `films migrate`");
        }
        (Status::Untracked, _) => {
            warn!(
                "the {name} has a trigger of film missing or disabled, so changes would go unseen: see \
                 migrations/README.md"
            );
        }
        (_, Err(error)) => warn!(%error, "the {name} is away"),
        _ => info!("the {name} is up"),
    }
}

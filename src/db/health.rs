//! Checks in the background whether the database can serve, so that a probe costs it nothing.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::error::Error;
use super::migrate::{AppliedMigration, MIGRATOR, applied_migrations};
use super::pool::Pool;
use super::query::Query;

/// The pause after the first failed check. It doubles up to the interval between checks.
const FIRST_RETRY: Duration = Duration::from_millis(50);

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No check has ended yet.
    Connecting,
    /// The database can serve.
    Up,
    /// The database lacks this migration of this build.
    SchemaOutdated(i64),
    /// A trigger that changes the catalogue's version is missing or disabled, so a changed film could
    /// go unnoticed.
    TriggerMissing,
    /// The database cannot be reached, or does not reply.
    Unreachable,
}

/// The last checks of the servers that an instance uses.
#[derive(Clone, Debug)]
pub struct Checks {
    /// The database that reviews are written to.
    pub database: watch::Receiver<Status>,
    /// The replica that films are read from, if there is one.
    pub replica: Option<watch::Receiver<Status>>,
}

/// Starts the checks on the current runtime. They end when all receivers are dropped.
pub(super) fn watch(pool: Pool, interval: Duration) -> watch::Receiver<Status> {
    let (sender, receiver) = watch::channel(Status::Connecting);
    tokio::spawn(async move {
        let mut retry = FIRST_RETRY;
        loop {
            if let Some(result) = check(&pool, interval).await {
                publish(&sender, pool.name(), result);
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

/// Returns `None` if every connection was in use for a whole interval: a busy database is not an
/// unreachable one.
async fn check(pool: &Pool, interval: Duration) -> Option<Result<Status, Error>> {
    let lease = match timeout(interval, pool.acquire()).await.ok()? {
        Ok(lease) => lease,
        Err(error) => return Some(Err(error)),
    };
    // One key has one output.
    let statuses = lease.run(&CheckSchema, &[()]).await;
    statuses.map(|statuses| statuses.into_iter().next()).transpose()
}

/// Compares the schema with the migrations of this build.
struct CheckSchema;

impl Query for CheckSchema {
    const NAME: &'static str = "check_schema";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "_sqlx_migrations";
    const READ_ONLY: bool = true;
    type Key = ();
    type Output = Status;

    async fn run(&self, connection: &mut PgConnection, _: &[()]) -> Result<Vec<Status>, sqlx::Error> {
        let applied = applied_migrations(connection).await?;
        let status = match first_missing(&applied) {
            Some(version) => Status::SchemaOutdated(version),
            None if triggers_are_enabled(connection).await? => Status::Up,
            None => Status::TriggerMissing,
        };
        Ok(vec![status])
    }
}

/// Returns the first migration of this build that is not applied. Migrations of a later build may be
/// applied too: after a rollback the schema is ahead, which is fine.
fn first_missing(applied: &[AppliedMigration]) -> Option<i64> {
    let is_applied = |version: &i64| applied.iter().any(|migration| migration.version == *version);
    MIGRATOR.iter().map(|migration| migration.version).find(|version| !is_applied(version))
}

/// Reads whether both triggers of `migrations/0002_catalogue_version.sql` fire.
async fn triggers_are_enabled(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // `A` fires always. `O`, which a restore may leave, fires except for a subscription's changes.
    sqlx::query_scalar!(
        r#"select count(*) = 2 as "enabled!" from pg_trigger
           where tgrelid = to_regclass('film') and tgname in ('film_changed', 'film_truncated')
             and tgenabled in ('A', 'O')"#
    )
    .fetch_one(connection)
    .await
}

/// Publishes the status, and logs one line if it has changed.
fn publish(sender: &watch::Sender<Status>, server: &str, result: Result<Status, Error>) {
    let status = *result.as_ref().unwrap_or(&Status::Unreachable);
    if sender.send_replace(status) == status {
        return;
    }
    match (status, result) {
        (Status::SchemaOutdated(version), _) => {
            warn!(migration = version, "the {server} lacks a migration of this build: run `films migrate`");
        }
        (Status::TriggerMissing, _) => warn!(
            "a trigger on the table film of the {server} is missing or disabled, so cached films could be \
             stale: see migrations/README.md"
        ),
        (_, Err(error)) => warn!(%error, "the {server} is unreachable"),
        _ => info!("the {server} is up"),
    }
}

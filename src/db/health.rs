//! Checks in the background whether the database can serve, so that a probe costs it nothing.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::error::Error;
use super::lag::Lag;
use super::migrate::{AppliedMigration, MIGRATOR, applied_migrations};
use super::pool::Pool;
use super::query::Query;
use super::schema::{TABLES, Use, first_obstacle};
use super::tracking::Tracking;

/// Half of the pause after the first failed check. The pause doubles with each further failure, up to the
/// interval between checks.
const FIRST_RETRY: Duration = Duration::from_millis(50);

/// The functions that storing reviews, leases and the clean-up of idempotency keys need. A replica serves none of
/// them.
const FUNCTIONS: &[&str] =
    &["lock_films(integer[])", "film_lease()", "expire_idempotency_keys(interval,bigint)"];

/// The number of triggers that [`state`] looks for: two of `migrations/0002_catalogue_version.sql`, two of
/// `0004_read_leases.sql`, and five of `0005_list_reviews.sql`.
const TRIGGERS: i64 = 9;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// No check has ended yet.
    Connecting,
    /// The database can serve.
    Up,
    /// The database serves reads and refuses reviews.
    ReadOnly,
    /// The database lacks this migration of this build.
    SchemaOutdated(i64),
    /// A trigger that changes a version is missing or disabled, so a changed film or review could go
    /// unnoticed.
    TriggerMissing,
    /// Queries fail, because this is missing: a table, a column, its type, a function, a row or a right.
    Unusable(Arc<str>),
    /// The database cannot be reached, refuses the connection, or does not reply, for this reason.
    Unreachable(Arc<str>),
}

impl Status {
    /// Returns whether the server responded.
    pub(crate) fn is_reachable(&self) -> bool {
        !matches!(self, Self::Connecting | Self::Unreachable(_))
    }

    /// Returns whether every change of a film or review changes its version. `None` if the check could
    /// not tell.
    fn tracks_changes(&self) -> Option<bool> {
        match self {
            Self::Up | Self::ReadOnly => Some(true),
            Self::Connecting | Self::Unreachable(_) => None,
            Self::SchemaOutdated(_) | Self::TriggerMissing | Self::Unusable(_) => Some(false),
        }
    }
}

/// The last checks of the servers that an instance uses.
#[derive(Clone, Debug)]
pub struct Checks {
    /// The last check of the database that reviews are written to.
    pub database: watch::Receiver<Status>,
    /// The last check of the replica that films and reviews are read from, if there is one.
    pub replica: Option<watch::Receiver<Status>>,
}

/// What a server is used for.
#[derive(Clone, Debug)]
pub(super) struct Purpose {
    /// Whether reviews are written to the server.
    pub(super) writes: bool,
    /// Receives whether changes are tracked, if films are read from the server.
    pub(super) tracking: Option<Arc<Tracking>>,
    /// Receives how far the server is behind, if it is a replica.
    pub(super) lag: Option<Arc<Lag>>,
}

/// Starts the checks on the current runtime. They end with the pool, or when all receivers are dropped.
pub(super) fn watch(pool: Pool, purpose: Purpose, interval: Duration) -> watch::Receiver<Status> {
    let (sender, receiver) = watch::channel(Status::Connecting);
    tokio::spawn(async move {
        let mut retry = FIRST_RETRY;
        loop {
            if let Some(result) = check(&pool, &purpose, interval).await {
                if matches!(result, Err(Error::Closed)) {
                    return;
                }
                let status = result.unwrap_or_else(|error| Status::Unreachable(error.reason().into()));
                if let (false, Some(lag)) = (status.is_reachable(), &purpose.lag) {
                    lag.forget();
                }
                if let (Some(tracks_changes), Some(tracking)) = (status.tracks_changes(), &purpose.tracking) {
                    tracking.set(tracks_changes);
                }
                publish(&sender, pool.name(), status);
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

/// Checks the database once. Returns `None` if every connection was in use for a whole interval: a busy
/// database is not an unreachable one.
async fn check(pool: &Pool, purpose: &Purpose, interval: Duration) -> Option<Result<Status, Error>> {
    let connection = match timeout(interval, pool.acquire()).await.ok()? {
        Ok(connection) => connection,
        Err(error) => return Some(Err(error)),
    };
    let statuses = connection.run(&CheckSchema(purpose.clone()), &[()]).await;
    // One key has one output.
    let status = statuses.map(|statuses| statuses.into_iter().next()).transpose()?;
    if matches!(status, Ok(Status::ReadOnly)) {
        // After a failover, the open connections lead to the old primary, and new ones to the new primary.
        pool.close_idle();
    }
    Some(status)
}

/// Compares the schema with the migrations and the queries of this build.
struct CheckSchema(Purpose);

impl Query for CheckSchema {
    const NAME: &'static str = "check_schema";
    const OPERATION: &'static str = "SELECT";
    const TABLE: &'static str = "_sqlx_migrations";
    const READ_ONLY: bool = true;
    type Key = ();
    type Output = Status;

    async fn run(&self, connection: &mut PgConnection, _: &[()]) -> Result<Vec<Status>, sqlx::Error> {
        let status = self.status(connection).await?;
        if let Some(lag) = &self.0.lag {
            lag.measure(connection).await;
        }
        Ok(vec![status])
    }
}

impl CheckSchema {
    async fn status(&self, connection: &mut PgConnection) -> Result<Status, sqlx::Error> {
        if let Some(version) = first_missing(&applied_migrations(connection).await?) {
            return Ok(Status::SchemaOutdated(version));
        }
        let writes = self.0.writes;
        let purpose = Use { writes, migrated: true };
        if let Some(obstacle) = first_obstacle(connection, TABLES, purpose).await? {
            return Ok(Status::Unusable(obstacle.into()));
        }
        let functions = if writes { FUNCTIONS } else { &[] };
        let State { has_version, triggers, read_only, denied } = state(connection, functions).await?;
        Ok(if !has_version {
            Status::Unusable("the table film_catalogue has no row: run `films migrate`".into())
        } else if let Some(function) = denied {
            Status::Unusable(format!("the role cannot execute the function {function}").into())
        } else if triggers != TRIGGERS {
            Status::TriggerMissing
        } else if read_only && writes {
            Status::ReadOnly
        } else {
            Status::Up
        })
    }
}

/// Returns the first migration of this build that is not applied. Migrations of a later build may be
/// applied too: after a rollback the schema is ahead, which is fine.
fn first_missing(applied: &[AppliedMigration]) -> Option<i64> {
    let is_applied = |version: &i64| applied.iter().any(|migration| migration.version == *version);
    MIGRATOR.iter().map(|migration| migration.version).find(|version| !is_applied(version))
}

/// The state of a server that the columns of its tables do not show.
struct State {
    /// Whether the catalogue has a version.
    has_version: bool,
    /// How many of the triggers fire.
    triggers: i64,
    /// Whether the server is a standby, or was made read-only.
    read_only: bool,
    /// The first function that the role may not execute.
    denied: Option<String>,
}

async fn state(connection: &mut PgConnection, functions: &[&str]) -> Result<State, sqlx::Error> {
    let functions: Vec<String> = functions.iter().map(|function| (*function).to_owned()).collect();
    // `A` fires always. `O`, which a restore may leave, fires except for a subscription's changes.
    sqlx::query_as!(
        State,
        r#"select exists (select from film_catalogue) as "has_version!",
             (select count(*) from pg_trigger
              where tgenabled in ('A', 'O')
                and (tgrelid = to_regclass('film') and tgname in ('film_changed', 'film_truncated')
                  or tgrelid = to_regclass('film_catalogue') and tgname in ('await_leases', 'renew_version')
                  or tgrelid = to_regclass('review') and tgname in (
                    'reviews_inserted', 'reviews_updated_from', 'reviews_updated_to', 'reviews_deleted',
                    'reviews_truncated'))) as "triggers!",
             current_setting('transaction_read_only')::boolean as "read_only!",
             (select name from unnest($1::text[]) name
              where not coalesce(has_function_privilege(to_regprocedure(name), 'execute'), false) limit 1)
               as denied"#,
        &functions
    )
    .fetch_one(connection)
    .await
}

/// Publishes the status, and logs one line if it has changed.
fn publish(sender: &watch::Sender<Status>, server: &str, status: Status) {
    if sender.send_replace(status.clone()) == status {
        return;
    }
    match status {
        Status::SchemaOutdated(version) => {
            warn!(migration = version, "the {server} lacks a migration of this build: run `films migrate`");
        }
        Status::TriggerMissing => warn!(
            "a trigger on the tables film, film_catalogue or review of the {server} is missing or disabled, so \
             responses are not cached: see migrations/README.md"
        ),
        Status::ReadOnly => warn!("the {server} is read-only: reviews fail"),
        Status::Unusable(obstacle) => warn!(%obstacle, "the {server} cannot be used"),
        Status::Unreachable(error) => warn!(%error, "the {server} is unreachable"),
        Status::Connecting | Status::Up => info!("the {server} is up"),
    }
}

//! Applies the migrations of this build, safely while other processes do the same.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{MigrateError as SqlxError, Migrator};
use sqlx::postgres::PgConnection;

use super::connect::{ConnectError, connect, set_lock_timeout};
use super::error::{code, describe};
use super::foreign;
use super::schema::{Use, first_obstacle};
use super::sqlstate::{LOCK_NOT_AVAILABLE, READ_ONLY_SQL_TRANSACTION, UNDEFINED_TABLE};
use crate::config::Database;

/// The migrations of this build, embedded once for everything that needs them.
///
/// Migrations of a later build are ignored, so that an older release can be rolled back to.
pub static MIGRATOR: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!() };

/// What `films migrate` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The number of migrations that were missing and are applied now.
    pub applied: usize,
    /// The newest migration of this build, which the schema now has.
    pub version: i64,
}

/// Why the schema does not have all migrations of this build.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Postgres cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A migration was changed after it was applied.
    #[error(
        "migration {0} was applied with another content than this build has: nothing was changed; \
         run the build that applied it, or restore the migration's file"
    )]
    Changed(i64),
    /// The database has a table that the queries cannot use.
    #[error("{0}: nothing was changed; the service cannot use this table as it is")]
    Unusable(String),
    /// The database has an object under one of the service's names that the service did not make.
    #[error(
        "the {0} exists and was not made by films: nothing was changed; rename it, or use another schema \
         or database"
    )]
    Foreign(String),
    /// Another session holds a lock.
    #[error(
        "no lock within {0:?}: another migration or a long transaction holds it; \
         nothing of this migration was applied; try again, or wait longer with --lock-timeout"
    )]
    Locked(Duration),
    /// Postgres refused a statement.
    #[error("the migration failed and was rolled back: {}", describe_migration(.0))]
    Failed(#[from] SqlxError),
}

/// A migration that the database has.
pub(super) struct AppliedMigration {
    pub(super) version: i64,
    checksum: Vec<u8>,
}

/// Applies the missing migrations, makes sure that a restored table of reviews can be read and that its
/// summary is right, then gives the catalogue a new version. If there is nothing to do before that, locks only
/// the row of the version.
///
/// The new version ends whatever was cached before a restore, or before a change that the trigger could
/// not see.
///
/// Each migration runs in a transaction, under an advisory lock that processes take in turn. No
/// statement waits for a lock longer than `lock_timeout`, because other sessions would queue behind
/// it. `wait` is the longest time to wait for a Postgres that is still starting.
pub async fn migrate(
    config: &Database,
    wait: Duration,
    lock_timeout: Duration,
) -> Result<Migrated, MigrateError> {
    let mut connection = connect(config, wait).await?;
    let missing = missing(&mut connection).await?;
    refuse_foreign(&mut connection, &missing).await?;
    let result = apply(&mut connection, &missing, lock_timeout).await;
    result.map_err(|error| explain(error, lock_timeout))?;
    // After a failure the connection is closed too.
    let _ = connection.close().await;
    let version = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Migrated { applied: missing.len(), version })
}

/// Reads which migrations were applied; none if the table of migrations does not exist yet.
pub(super) async fn applied_migrations(
    connection: &mut PgConnection,
) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    let rows =
        sqlx::query_as!(AppliedMigration, "select version, checksum from _sqlx_migrations where success");
    match rows.fetch_all(connection).await {
        Err(error) if code(&error).as_deref() == Some(UNDEFINED_TABLE) => Ok(Vec::new()),
        result => result,
    }
}

/// Returns the missing migrations, without a lock. Refuses changed ones before anything is applied.
async fn missing(connection: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    let applied = applied_migrations(connection).await.map_err(SqlxError::Execute)?;
    let mut missing = Vec::new();
    for migration in MIGRATOR.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if *applied.checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::Changed(migration.version)),
            None => missing.push(migration.version),
        }
    }
    Ok(missing)
}

/// Refuses tables that the queries cannot use, and objects that a missing migration would take over.
async fn refuse_foreign(connection: &mut PgConnection, missing: &[i64]) -> Result<(), MigrateError> {
    let existing = foreign::existing_tables(connection).await.map_err(SqlxError::Execute)?;
    let purpose = Use { writes: true, migrated: false };
    let obstacle = first_obstacle(connection, &existing, purpose).await.map_err(SqlxError::Execute)?;
    if let Some(obstacle) = obstacle {
        return Err(MigrateError::Unusable(obstacle));
    }
    match foreign::first(connection, missing).await.map_err(SqlxError::Execute)? {
        Some(object) => Err(MigrateError::Foreign(object)),
        None => Ok(()),
    }
}

async fn apply(
    connection: &mut PgConnection,
    missing: &[i64],
    lock_timeout: Duration,
) -> Result<(), SqlxError> {
    set_lock_timeout(connection, lock_timeout).await?;
    if !missing.is_empty() {
        MIGRATOR.run(&mut *connection).await?;
    }
    sqlx::query!("select from (select prepare_reviews()) prepared").execute(&mut *connection).await?;
    let renewed =
        sqlx::query!("update film_catalogue set version = gen_random_uuid()").execute(connection).await;
    match renewed {
        // A standby gets the version of its primary.
        Err(error) if code(&error).as_deref() == Some(READ_ONLY_SQL_TRANSACTION) => Ok(()),
        result => Ok(result.map(|_| ())?),
    }
}

/// Describes the error for a person, with the migration that failed.
fn describe_migration(error: &SqlxError) -> String {
    match error {
        SqlxError::ExecuteMigration(error, version) => format!("migration {version}: {}", describe(error)),
        SqlxError::Execute(error) => describe(error),
        other => other.to_string(),
    }
}

fn explain(error: SqlxError, lock_timeout: Duration) -> MigrateError {
    let code = match &error {
        SqlxError::Execute(error) | SqlxError::ExecuteMigration(error, _) => code(error),
        SqlxError::VersionMismatch(version) => return MigrateError::Changed(*version),
        _ => None,
    };
    if code.as_deref() == Some(LOCK_NOT_AVAILABLE) {
        MigrateError::Locked(lock_timeout)
    } else {
        error.into()
    }
}

//! Applies the migrations of this build, safely while other replicas do the same.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{MigrateError as SqlxError, Migrator};
use sqlx::postgres::PgConnection;

use super::connect::{ConnectError, connect};
use super::error::{LOCK_NOT_AVAILABLE, UNDEFINED_TABLE};
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
    /// Another session holds a lock.
    #[error(
        "no lock within {0:?}: another migration or a long transaction holds it; \
         nothing of this migration was applied; try again, or wait longer with --lock-timeout"
    )]
    Locked(Duration),
    /// Postgres refused a statement.
    #[error("the migration failed and was rolled back: {0}")]
    Failed(#[from] SqlxError),
}

/// A migration that the database has.
pub(super) struct AppliedMigration {
    pub(super) version: i64,
    checksum: Vec<u8>,
}

/// Applies the missing migrations. If none is missing, takes no lock and writes nothing.
///
/// Each migration runs in a transaction, under an advisory lock that replicas take in turn. No
/// statement waits for a lock longer than `lock_timeout`, because other sessions would queue behind
/// it. `wait` is the longest time to wait for a Postgres that is still starting.
pub async fn migrate(
    config: &Database,
    wait: Duration,
    lock_timeout: Duration,
) -> Result<Migrated, MigrateError> {
    let mut connection = connect(config, wait).await?;
    let missing = count_missing(&mut connection).await?;
    if missing > 0 {
        let result = apply(&mut connection, lock_timeout).await;
        result.map_err(|error| explain(error, lock_timeout))?;
    }
    // After a failure the connection is closed too.
    let _ = connection.close().await;
    let version = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Migrated { applied: missing, version })
}

/// Reads which migrations were applied; none if the table of migrations does not exist yet.
pub(super) async fn applied_migrations(
    connection: &mut PgConnection,
) -> Result<Vec<AppliedMigration>, sqlx::Error> {
    let rows =
        sqlx::query_as!(AppliedMigration, "select version, checksum from _sqlx_migrations where success");
    match rows.fetch_all(connection).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            Ok(Vec::new())
        }
        result => result,
    }
}

/// Counts the missing migrations without a lock. Refuses changed ones before anything is applied.
async fn count_missing(connection: &mut PgConnection) -> Result<usize, MigrateError> {
    let applied = applied_migrations(connection).await.map_err(SqlxError::Execute)?;
    let mut missing = 0;
    for migration in MIGRATOR.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if *applied.checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::Changed(migration.version)),
            None => missing += 1,
        }
    }
    Ok(missing)
}

async fn apply(connection: &mut PgConnection, lock_timeout: Duration) -> Result<(), SqlxError> {
    let milliseconds = lock_timeout.as_millis().to_string();
    sqlx::query_scalar!("select set_config('lock_timeout', $1, false)", milliseconds)
        .fetch_one(&mut *connection)
        .await?;
    MIGRATOR.run(connection).await
}

fn explain(error: SqlxError, lock_timeout: Duration) -> MigrateError {
    let code = match &error {
        SqlxError::Execute(error) | SqlxError::ExecuteMigration(error, _) => {
            error.as_database_error().and_then(sqlx::error::DatabaseError::code)
        }
        SqlxError::VersionMismatch(version) => return MigrateError::Changed(*version),
        _ => None,
    };
    if code.as_deref() == Some(LOCK_NOT_AVAILABLE) {
        MigrateError::Locked(lock_timeout)
    } else {
        error.into()
    }
}

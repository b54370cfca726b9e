//! Bringing the schema up to this build, safely beside other replicas that try the same.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{MigrateError as Sqlx, Migrator};
use sqlx::postgres::PgConnection;

use super::connect::{ConnectError, connect};
use super::error::UNDEFINED_TABLE;
use crate::config::Database;

/// The migrations of this build. One for everything that needs them: each would embed them again.
///
/// Migrations of a later build are ignored, so that an older release can be rolled back to.
pub static MIGRATOR: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!() };

/// What `films migrate` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// How many migrations this call found missing.
    pub applied: usize,
    /// The newest migration of this build, which the schema now has.
    pub version: i64,
}

/// Why the schema is not up to this build.
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
    /// Somebody else holds a lock.
    #[error(
        "a lock was not had within {0:?}: another migration or a long transaction holds it; \
         nothing of this migration was applied; try again, or wait longer with --lock-timeout"
    )]
    Locked(Duration),
    /// Postgres refused a statement.
    #[error("migration failed, and what it had begun was rolled back: {0}")]
    Failed(#[from] Sqlx),
}

/// Applies what is missing. Where nothing is, it takes no lock and writes nothing.
///
/// Each migration runs in a transaction, under an advisory lock that replicas take in turn; no
/// statement waits for any lock longer than `lock_timeout`, because everybody else would wait
/// behind it.
pub async fn migrate(
    config: &Database,
    patience: Duration,
    lock_timeout: Duration,
) -> Result<Migrated, MigrateError> {
    let mut connection = connect(config, patience).await?;
    let missing = missing(&mut connection).await?;
    if missing > 0 {
        let result = apply(&mut connection, lock_timeout).await;
        result.map_err(|error| explain(error, lock_timeout))?;
    }
    // It is going away either way.
    let _ = connection.close().await;
    let version = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Migrated { applied: missing, version })
}

/// How many migrations are missing, without a lock. Refuses changed ones before anything is done.
async fn missing(connection: &mut PgConnection) -> Result<usize, MigrateError> {
    let applied = sqlx::query!("select version, checksum from _sqlx_migrations where success")
        .fetch_all(connection)
        .await;
    let applied: HashMap<i64, Vec<u8>> = match applied {
        Ok(rows) => rows.into_iter().map(|row| (row.version, row.checksum)).collect(),
        // Nothing was ever migrated here.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            HashMap::new()
        }
        Err(error) => return Err(Sqlx::Execute(error).into()),
    };
    let mut missing = 0;
    for migration in MIGRATOR.iter() {
        match applied.get(&migration.version) {
            Some(checksum) if *checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::Changed(migration.version)),
            None => missing += 1,
        }
    }
    Ok(missing)
}

async fn apply(connection: &mut PgConnection, lock_timeout: Duration) -> Result<(), Sqlx> {
    let milliseconds = lock_timeout.as_millis().to_string();
    sqlx::query_scalar!("select set_config('lock_timeout', $1, false)", milliseconds)
        .fetch_one(&mut *connection)
        .await?;
    MIGRATOR.run(connection).await
}

fn explain(error: Sqlx, lock_timeout: Duration) -> MigrateError {
    let code = match &error {
        Sqlx::Execute(error) | Sqlx::ExecuteMigration(error, _) => {
            error.as_database_error().and_then(sqlx::error::DatabaseError::code)
        }
        Sqlx::VersionMismatch(version) => return MigrateError::Changed(*version),
        _ => None,
    };
    // lock_not_available
    if code.as_deref() == Some("55P03") { MigrateError::Locked(lock_timeout) } else { error.into() }
}

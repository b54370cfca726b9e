//! Opens the single connection of a command, and waits for a Postgres that is still starting.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::error::describe;
use crate::config::Database;

/// The first and the longest pause between two attempts to connect.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// Why a command has no connection.
#[derive(Debug, thiserror::Error)]
#[error("no connection to Postgres at {address}: {reason}")]
pub struct ConnectError {
    address: String,
    reason: String,
}

/// Connects. While Postgres cannot be reached or is starting, retries for up to `wait`. A failure that
/// time does not cure (a wrong password, a missing database) is returned at once.
pub(super) async fn connect(config: &Database, wait: Duration) -> Result<PgConnection, ConnectError> {
    let options = config
        .connect_options()
        .map_err(|error| ConnectError { address: "(unknown)".to_owned(), reason: error.to_string() })?
        // sqlx checks whether its statement log is enabled. If it is not, tracing-subscriber drops the
        // command's next log line.
        .disable_statement_logging();
    let deadline = Instant::now() + wait;
    let mut retry = FIRST_RETRY;
    loop {
        let (reason, may_recover) = match timeout(config.connect_timeout.get(), options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => (describe(&error), is_starting(&error)),
            Err(_) => (format!("no response within {:?}", config.connect_timeout.get()), true),
        };
        if !may_recover || Instant::now() + retry > deadline {
            return Err(ConnectError { address: address(&options), reason });
        }
        warn!(reason, address = address(&options), "waiting for Postgres");
        sleep(retry).await;
        retry = (retry * 2).min(LAST_RETRY);
    }
}

/// Limits how long the statements of this connection wait for a lock.
pub(super) async fn set_lock_timeout(
    connection: &mut PgConnection,
    limit: Duration,
) -> Result<(), sqlx::Error> {
    let milliseconds = limit.as_millis().to_string();
    sqlx::query_scalar!("select set_config('lock_timeout', $1, false)", milliseconds)
        .fetch_one(connection)
        .await?;
    Ok(())
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // 57P03 is cannot_connect_now (the server is starting), 53300 is too_many_connections.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}

fn address(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

//! One connection for a command, waiting for a Postgres that is still starting.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use crate::config::Database;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// Why a command got no connection.
#[derive(Debug, thiserror::Error)]
#[error("no connection to Postgres at {address}: {reason}")]
pub struct ConnectError {
    address: String,
    reason: String,
}

/// Connects, trying again for as long as `patience` where Postgres is not there yet. What waiting
/// does not mend (a wrong password, a missing database) fails at once.
pub(super) async fn connect(config: &Database, patience: Duration) -> Result<PgConnection, ConnectError> {
    let options = config
        .connect_options()
        .map_err(|error| ConnectError { address: "(unknown)".to_owned(), reason: error.to_string() })?
        // sqlx asks whether such a line is enabled, and where it is not, tracing-subscriber drops the
        // command's next line in its place.
        .disable_statement_logging();
    let deadline = Instant::now() + patience;
    let mut retry = FIRST_RETRY;
    loop {
        let (reason, final_) = match timeout(config.connect_timeout.get(), options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => (error.to_string(), !is_not_there_yet(&error)),
            Err(_) => (format!("no answer within {:?}", config.connect_timeout.get()), false),
        };
        if final_ || Instant::now() + retry > deadline {
            return Err(ConnectError { address: address(&options), reason });
        }
        warn!(reason, address = address(&options), "waiting for Postgres");
        sleep(retry).await;
        retry = (retry * 2).min(LAST_RETRY);
    }
}

fn is_not_there_yet(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // 57P03: the database system is starting up. 53300: too many connections.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}

fn address(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

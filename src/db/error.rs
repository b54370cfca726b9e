//! Why a request to the database failed. `http/error.rs` decides what the client is told.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::api::EncodingError;

/// `undefined_table`: `films migrate` has not created it yet.
pub(super) const UNDEFINED_TABLE: &str = "42P01";

/// `lock_not_available`: a lock was not granted within `lock_timeout`.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// `read_only_sql_transaction`: a failover made this server a standby.
const READ_ONLY_SQL_TRANSACTION: &str = "25006";

/// Why a request to the database failed. All requests of a batch share the error of its query, hence
/// the `Arc`s.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Postgres cannot be reached or cannot serve at present. A later retry may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(Arc<sqlx::Error>),
    /// No connection could be opened in time.
    #[error("the database is unavailable: no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The query took too long, and its connection was closed.
    #[error("the query took longer than {0:?}")]
    QueryTimeout(Duration),
    /// The queue is full.
    #[error("the queue is full: {0} requests wait for the database")]
    Overloaded(usize),
    /// The instance is stopping.
    #[error("the instance is stopping")]
    Closed,
    /// Postgres refused a row because of a constraint that our migrations do not have.
    #[error("the database refused the row: {0}")]
    Refused(Arc<sqlx::Error>),
    /// Postgres refused the query. The cause is a defect of the service, or a schema that our migrations
    /// did not make.
    #[error("the query failed: {0}")]
    Query(Arc<sqlx::Error>),
    /// The code around the query panicked.
    #[error("the query's worker panicked")]
    Panicked,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_temporary(&error) {
            Self::Unavailable(error.into())
        } else if is_refused_row(&error) {
            Self::Refused(error.into())
        } else {
            Self::Query(error.into())
        }
    }
}

impl From<EncodingError> for sqlx::Error {
    fn from(error: EncodingError) -> Self {
        Self::Encode(error.into())
    }
}

impl Error {
    /// Returns a short, stable name for metrics and spans.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::QueryTimeout(_) => "query_timeout",
            Self::Overloaded(_) => "overloaded",
            Self::Closed => "closed",
            Self::Refused(_) => "refused",
            Self::Query(_) => "query",
            Self::Panicked => "panicked",
        }
    }

    /// Returns the SQLSTATE, if Postgres sent one.
    pub(super) fn sqlstate(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unavailable(error) | Self::Refused(error) | Self::Query(error) => {
                error.as_database_error()?.code()
            }
            _ => None,
        }
    }
}

/// Returns whether the connection cannot be used again after this error.
pub(super) fn breaks_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_none_or(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

/// Returns whether a later retry may succeed: the connection broke, or the SQLSTATE says so. Codes:
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_temporary(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return breaks_connection(error) };
    let code = database.code().unwrap_or_default();
    breaks_connection(error)
        || ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
        || [READ_ONLY_SQL_TRANSACTION, LOCK_NOT_AVAILABLE, UNDEFINED_TABLE].contains(&&*code)
}

/// Returns whether a row violates a constraint (class 23) or holds a value that its column cannot hold
/// (class 22).
pub(super) fn is_refused_row(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("23") || code.starts_with("22"))
}

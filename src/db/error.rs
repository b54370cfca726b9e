//! Why the database did not answer. `http/error.rs` decides what the client is told of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// `undefined_table`: what `films migrate` makes is not there.
pub(super) const UNDEFINED_TABLE: &str = "42P01";

/// Why a request to the database failed. One failed query can answer many requests, hence the
/// `Arc`s.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Postgres cannot be reached, or cannot serve just now. Trying again later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(Arc<sqlx::Error>),
    /// No connection could be opened in time.
    #[error("the database is unavailable: no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The query took too long, and its connection was closed.
    #[error("the query took longer than {0:?}")]
    QueryTimeout(Duration),
    /// The queue is full.
    #[error("{0} requests are waiting for the database already")]
    Overloaded(usize),
    /// The instance is stopping.
    #[error("the instance is stopping")]
    Closed,
    /// Postgres refused a row: a constraint that the schema has beside ours.
    #[error("the database refused the row: {0}")]
    Refused(Arc<sqlx::Error>),
    /// Postgres refused the query: a defect here, or a schema that is not ours.
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

impl Error {
    /// A short, stable name for metrics and spans.
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

    /// Postgres's own code for what went wrong, where it said one.
    pub(super) fn sqlstate(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Unavailable(error) | Self::Refused(error) | Self::Query(error) => {
                error.as_database_error()?.code()
            }
            _ => None,
        }
    }
}

/// Whether the connection cannot be used again after this error.
pub(super) fn breaks_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_none_or(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

/// Whether the same query may well succeed later: the connection broke, or Postgres said so.
/// Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn is_temporary(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return breaks_connection(error) };
    let code = database.code().unwrap_or_default();
    breaks_connection(error)
        || ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
        // A standby after a failover; a lock that was not had in time; a table that `films migrate`
        // has yet to make.
        || ["25006", "55P03", UNDEFINED_TABLE].contains(&&*code)
}

/// Whether a row broke a constraint (class 23) or held a value that its column cannot (class 22).
pub(super) fn is_refused_row(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("23") || code.starts_with("22"))
}

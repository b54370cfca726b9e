//! Why a request to the database failed. `http/error.rs` decides what the client is told.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::sqlstate;
use crate::api::EncodingError;

/// Why a request to the database failed. All requests of a batch share the error of its query, hence
/// the `Arc`s.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Postgres cannot be reached or cannot serve at present. A later retry may succeed.
    #[error("the database is unavailable: {}", describe(.0))]
    Unavailable(Arc<sqlx::Error>),
    /// No connection could be opened in time.
    #[error("the database is unavailable: no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The query took too long. Postgres ends it by itself.
    #[error("the query took longer than {0:?}")]
    QueryTimeout(Duration),
    /// Another transaction held the film of the review for too long.
    #[error("another transaction has held the lock of the film for {0:?}")]
    FilmLocked(Duration),
    /// Another request stores a review under the same key, and takes too long.
    #[error("another request with the same idempotency key has not ended within {0:?}")]
    KeyInUse(Duration),
    /// The queue is full.
    #[error("the queue is full: {0} requests wait for the database")]
    Overloaded(usize),
    /// The instance is stopping.
    #[error("the instance is stopping")]
    Closed,
    /// Postgres refused a row because of a constraint that our migrations do not have.
    #[error("the database refused the row: {}", describe(.0))]
    Refused(Arc<sqlx::Error>),
    /// Postgres refused the query. The cause is a defect of the service, or a schema that our migrations
    /// did not make.
    #[error("the query failed: {}", describe(.0))]
    Query(Arc<sqlx::Error>),
    /// The code around the query panicked.
    #[error("the query's worker panicked")]
    Panicked,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_temporary(&error) { Self::Unavailable(error.into()) } else { Self::Query(error.into()) }
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
            Self::FilmLocked(_) => "film_locked",
            Self::KeyInUse(_) => "key_in_use",
            Self::Overloaded(_) => "overloaded",
            Self::Closed => "closed",
            Self::Refused(_) => "refused",
            Self::Query(_) => "query",
            Self::Panicked => "panicked",
        }
    }

    /// Returns the SQLSTATE, if Postgres sent one.
    pub(super) fn sqlstate(&self) -> Option<Cow<'_, str>> {
        self.source().and_then(code)
    }

    /// Returns whether the query may run once more on a new connection. After a lost connection only a
    /// read may: Postgres may have committed a write.
    pub(super) fn permits_retry(&self, read_only: bool) -> bool {
        self.source().is_some_and(|error| is_stale_session(error) || (read_only && is_lost(error)))
    }

    /// Returns why the database is unavailable, for a sentence that says so already.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unavailable(error) | Self::Query(error) => describe(error),
            Self::ConnectTimeout(limit) => format!("no connection within {limit:?}"),
            other => other.to_string(),
        }
    }

    /// Returns whether the server did not reply at all. The background check notices the same.
    pub(super) fn is_unreachable(&self) -> bool {
        match self {
            Self::ConnectTimeout(_) | Self::Closed => true,
            _ => matches!(self.source(), Some(sqlx::Error::Io(_) | sqlx::Error::Tls(_))),
        }
    }

    fn source(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Unavailable(error) | Self::Refused(error) | Self::Query(error) => Some(error),
            _ => None,
        }
    }
}

/// Returns whether the connection cannot be used again after this error.
pub(super) fn breaks_connection(error: &sqlx::Error) -> bool {
    is_lost(error) || is_stale_session(error)
}

/// Returns whether the connection is closed, or in an unknown state.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_none_or(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

fn is_stale_session(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| sqlstate::is_stale_session(&code))
}

/// Returns whether a later retry may succeed: the connection broke, or the SQLSTATE says so.
fn is_temporary(error: &sqlx::Error) -> bool {
    is_lost(error) || code(error).is_some_and(|code| sqlstate::is_temporary(&code))
}

/// Returns whether a row violates a constraint or holds a value that its column cannot hold.
pub(super) fn is_refused_row(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| sqlstate::is_refused_row(&code))
}

/// Returns the SQLSTATE, if Postgres sent one.
pub(super) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Describes an error. For an error from Postgres, the text has the message, detail, hint and SQLSTATE.
/// sqlx's own text adds a line of Postgres's source code, which helps nobody.
pub(super) fn describe(error: &sqlx::Error) -> String {
    let Some(postgres) =
        error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    else {
        return error.to_string();
    };
    let more = [postgres.detail(), postgres.hint()].into_iter().flatten();
    let pooler = "behind a pooler in transaction mode, set database.prepared_statements = false, and run \
                  `films migrate` with the URL of Postgres itself";
    let is_pooler = sqlstate::suggests_pooler(postgres.code());
    let words: Vec<_> =
        iter::once(postgres.message()).chain(more).chain(is_pooler.then_some(pooler)).collect();
    format!("{} (SQLSTATE {})", words.join("; "), postgres.code())
}

//! Connections, and no more of them than the configuration allows.
//!
//! sqlx's own pool sends Postgres a ping whenever a connection comes back, which costs about as
//! much as the query did. This one learns that a connection is broken by using it: a connection
//! returns to the pool only after a query that ended well, or that Postgres itself refused.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection as _};
use tokio::runtime::{self, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Span, debug, info_span};

use super::error::{Error, breaks_connection};
use super::metrics;
use super::query::Query;
use crate::config::Database;

/// The connections to Postgres. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    /// What it is called in metrics and in the log.
    name: &'static str,
    options: PgConnectOptions,
    connect_timeout: Duration,
    query_timeout: Duration,
    size: usize,
    /// One for each connection that may be in use.
    permits: Arc<Semaphore>,
    /// A stack: the connection used last has the warmest caches on both sides.
    idle: Mutex<Vec<Idle>>,
}

/// A connection with the runtime that it was opened on, which still wakes those who wait for it.
struct Idle {
    home: runtime::Id,
    connection: PgConnection,
}

/// The right to one connection at a time, and that connection where it is open already.
pub(super) struct Lease {
    pool: Pool,
    connection: Option<Idle>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(name: &'static str, options: PgConnectOptions, config: &Database) -> Self {
        let size = config.pool_size as usize;
        let inner = Inner {
            name,
            options: options.disable_statement_logging(),
            connect_timeout: config.connect_timeout.get(),
            query_timeout: config.query_timeout.get(),
            size,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::with_capacity(size)),
        };
        let pool = Self(Arc::new(inner));
        metrics::observe_pool(&pool);
        pool
    }

    pub(super) fn name(&self) -> &'static str {
        self.0.name
    }

    /// Waits for a connection to become free. It is opened only when it is used.
    pub(super) async fn acquire(&self) -> Result<Lease, Error> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let connection = self.take(Handle::current().id());
        Ok(Lease { pool: self.clone(), connection, _permit: permit })
    }

    /// Waits for the connections in use, then says goodbye to Postgres on each.
    pub(super) async fn close(&self) {
        // At most 10,000, so it fits; with every permit in hand no connection is in use.
        let all = u32::try_from(self.0.size).unwrap_or(u32::MAX);
        let _permits = self.0.permits.acquire_many(all).await;
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            // It is going away either way.
            let _ = idle.connection.close().await;
        }
    }

    /// The span of one query. Names: OpenTelemetry's stable conventions for database clients.
    /// Numbers are `i64`s, because the layer would write others as text.
    pub(super) fn span(&self, operation: &'static str, table: &'static str, batch_size: usize) -> Span {
        let options = &self.0.options;
        info_span!(
            "query",
            otel.name = format_args!("{operation} {table}"),
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "postgresql",
            db.namespace = options.get_database(),
            db.operation.name = operation,
            db.collection.name = table,
            db.query.summary = format_args!("{operation} {table}"),
            db.query.text = Empty,
            db.response.status_code = Empty,
            error.type = Empty,
            server.address = options.get_host(),
            server.port = i64::from(options.get_port()),
            batch.size = i64::try_from(batch_size).unwrap_or(i64::MAX),
        )
    }

    /// How many connections there are: idle, in use, at most.
    pub(super) fn count(&self) -> (usize, usize, usize) {
        let used = self.0.size - self.0.permits.available_permits();
        (self.idle().len(), used, self.0.size)
    }

    /// One of this runtime's own where there is one: another's works, but every answer on it would
    /// have to wake this thread from that one.
    fn take(&self, home: runtime::Id) -> Option<Idle> {
        let mut idle = self.idle();
        let own = idle.iter().rposition(|idle| idle.home == home);
        own.or_else(|| idle.len().checked_sub(1)).map(|place| idle.remove(place))
    }

    async fn connect(&self) -> Result<Idle, Error> {
        let limit = self.0.connect_timeout;
        let connected = timeout(limit, self.0.options.connect()).await;
        // Whatever is wrong (refused, starting up, wrong password): there is no database for us.
        let connection = connected
            .map_err(|_| Error::ConnectTimeout(limit))?
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Idle { home: Handle::current().id(), connection })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing that can panic runs under the lock.
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Runs a query. One that changes nothing and finds its connection dead, which an idle one may
    /// have been for hours, is run once more on a new one; a lost connection does not tell whether
    /// a change was made.
    pub(super) async fn run<Q: Query>(mut self, query: &Q, asks: &[Q::Ask]) -> Result<Vec<Q::Answer>, Error> {
        let reused = self.connection.is_some();
        let result = self.attempt(query, asks).await;
        let lost = self.connection.is_none() && matches!(result, Err(Error::Unavailable(_)));
        if Q::READ_ONLY && reused && lost { self.attempt(query, asks).await } else { result }
    }

    /// A query that is given up, by the time limit or by dropping this future, takes its connection
    /// with it: nobody could tell its late answer from the next query's.
    async fn attempt<Q: Query>(&mut self, query: &Q, asks: &[Q::Ask]) -> Result<Vec<Q::Answer>, Error> {
        let mut idle = match self.connection.take() {
            Some(idle) => idle,
            None => self.pool.connect().await.map_err(failed)?,
        };
        let limit = self.pool.0.query_timeout;
        let result = timeout(limit, query.run(&mut idle.connection, asks)).await;
        let result = result.map_err(|_| failed(Error::QueryTimeout(limit)))?;
        match &result {
            Err(error) if breaks_connection(error) => {
                // Its neighbours went the same way: a restart of Postgres ends them all at once.
                debug!(%error, "connection lost, idle ones are given up too");
                self.pool.idle().clear();
            }
            _ => self.connection = Some(idle),
        }
        result.map_err(|error| failed(error.into()))
    }
}

/// Notes the failure on the query's span.
fn failed(error: Error) -> Error {
    let span = Span::current();
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.name());
    if let Some(code) = error.sqlstate() {
        span.record("db.response.status_code", &*code);
    }
    error
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle().push(connection);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.0.size).finish_non_exhaustive()
    }
}

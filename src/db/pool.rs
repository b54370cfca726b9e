//! Opens, lends and closes the connections to one Postgres, never more than the configuration allows.
//!
//! sqlx's own pool pings Postgres whenever a connection returns, which costs about as much as the
//! query did. This pool notices a broken connection when a query fails on it: a connection returns to
//! the pool only after a query that ended well, or that Postgres itself refused. `sqlstate.rs` lists
//! the refusals after which it does not.
//!
//! A query that is given up goes on in Postgres until `statement_timeout` ends it. Its connection keeps
//! its place in the pool until then, so that the pool's size limits the backends too.

use std::fmt;
use std::pin::pin;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use parking_lot::Mutex;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection as _};
use tokio::runtime::{self, Handle};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tokio::time::timeout;
use tracing::{Span, debug};

use super::cut_connections::unless_cut;
use super::error::{Error, breaks_connection, describe};
use super::query::Query;
use super::session::{self, Sessions};
use crate::config::Database;
use crate::faults::Faults;
use crate::telemetry::{CONNECTION_COUNT, CONNECTION_MAX};

/// The connections to one Postgres. Clones share them.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    /// The pool's name in metrics, and the server's in log lines.
    name: &'static str,
    options: PgConnectOptions,
    sessions: Sessions,
    config: Database,
    /// `None` unless faults can be injected.
    faults: Option<Faults>,
    /// One permit for each connection that may be in use.
    permits: Arc<Semaphore>,
    /// A stack: the connection used last has the warmest caches on both sides.
    idle: Mutex<Vec<OpenConnection>>,
    /// Wakes the tasks that wait for the end of queries that were given up.
    closing: watch::Sender<bool>,
}

/// How much longer than `statement_timeout` Postgres may take to report the end of a query that was given
/// up. After this time the connection is closed.
const LATE_REPLY: Duration = Duration::from_secs(1);

/// An open connection, and the runtime that its socket is registered with.
struct OpenConnection {
    runtime: runtime::Id,
    connection: PgConnection,
}

/// The right to use one connection, which is opened when a query first needs it.
pub(super) struct PoolConnection {
    pool: Pool,
    connection: Option<OpenConnection>,
    /// The connection's place in the pool. It stays taken after this value is dropped, if the query is given up.
    permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(
        name: &'static str,
        options: PgConnectOptions,
        config: &Database,
        faults: Option<&Faults>,
    ) -> Self {
        let size = config.pool_size as usize;
        let sessions = Sessions::new(config);
        let pool = Self(Arc::new(Inner {
            name,
            options: sessions.configure(options).disable_statement_logging(),
            sessions,
            config: config.clone(),
            faults: faults.cloned(),
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::with_capacity(size)),
            closing: watch::Sender::new(false),
        }));
        pool.observe();
        pool
    }

    fn size(&self) -> usize {
        self.0.config.pool_size as usize
    }

    pub(super) fn name(&self) -> &'static str {
        self.0.name
    }

    pub(super) fn faults(&self) -> Option<&Faults> {
        self.0.faults.as_ref()
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    /// Waits until fewer connections than the pool's size are in use, and lends one. Fails if the pool is closed.
    pub(super) async fn acquire(&self) -> Result<PoolConnection, Error> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let connection = self.take_idle(Handle::current().id());
        Ok(PoolConnection { pool: self.clone(), connection, permit: Some(permit) })
    }

    /// Waits until no connection is in use, and lets none be used until the result is dropped. Returns `None` if
    /// the pool is closed.
    pub(super) async fn acquire_all(&self) -> Option<SemaphorePermit<'_>> {
        self.0.permits.acquire_many(self.0.config.pool_size).await.ok()
    }

    /// Waits for the connections in use, then ends every session at Postgres.
    pub(super) async fn close(&self) {
        self.0.closing.send_replace(true);
        let _permits = self.acquire_all().await;
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        for idle in idle {
            // After a failure the connection is closed too.
            let _ = idle.connection.close().await;
        }
    }

    /// Closes the idle connections.
    pub(super) fn close_idle(&self) {
        self.0.idle.lock().clear();
    }

    /// Takes an idle connection that was opened on this runtime. Replies on a connection of another runtime wake
    /// two threads, so such a connection is taken only if the pool has no room for a new one.
    fn take_idle(&self, runtime: runtime::Id) -> Option<OpenConnection> {
        let mut idle = self.0.idle.lock();
        if let Some(own) = idle.iter().rposition(|idle| idle.runtime == runtime) {
            return Some(idle.remove(own));
        }
        let used = self.size() - self.0.permits.available_permits();
        let has_room = idle.len() + used <= self.size();
        if has_room { None } else { idle.pop() }
    }

    async fn connect(&self) -> Result<OpenConnection, Error> {
        let limit = self.0.config.connect_timeout.get();
        let unavailable = |error: sqlx::Error| Error::Unavailable(error.into());
        let mut options = self.0.options.clone();
        // A rotated password is picked up without a restart.
        let password = self.0.config.read_password();
        if let Some(password) =
            password.map_err(|error| unavailable(sqlx::Error::Configuration(error.into())))?
        {
            options = options.password(&password);
        }
        let connected = timeout(limit, unless_cut(self.faults(), options.connect())).await;
        // Every failure (refused, starting, wrong password) means that this database is unavailable.
        let connection = connected.map_err(|_| Error::ConnectTimeout(limit))?.map_err(unavailable)?;
        Ok(OpenConnection { runtime: Handle::current().id(), connection })
    }

    /// Registers the instruments of the pool.
    fn observe(&self) {
        let name = KeyValue::new("db.client.connection.pool.name", self.name());
        let (pool, pool_name) = (self.clone(), name.clone());
        CONNECTION_COUNT.observe_up_down_counter(move |counter| {
            let used = pool.size() - pool.0.permits.available_permits();
            for (state, count) in [("idle", pool.0.idle.lock().len()), ("used", used)] {
                let state = KeyValue::new("db.client.connection.state", state);
                counter.observe(i64::try_from(count).unwrap_or(i64::MAX), &[pool_name.clone(), state]);
            }
        });
        let size = i64::from(self.0.config.pool_size);
        CONNECTION_MAX.observe_up_down_counter(move |counter| counter.observe(size, slice::from_ref(&name)));
    }
}

impl PoolConnection {
    /// Runs a query. If the connection is found to be lost or stale, for instance after it idled through a
    /// restart of Postgres, the query runs once more on a new connection, if that is safe.
    pub(super) async fn run<Q: Query>(mut self, query: &Q, keys: &[Q::Key]) -> Result<Vec<Q::Output>, Error> {
        let reused = self.connection.is_some();
        match self.attempt(query, keys).await {
            Err(error) if reused && self.connection.is_none() && error.permits_retry(Q::READ_ONLY) => {
                self.attempt(query, keys).await
            }
            result => result,
        }
    }

    /// Runs a query once. If this future is dropped, the connection is closed, because a late reply could
    /// reach the next query.
    async fn attempt<Q: Query>(&mut self, query: &Q, keys: &[Q::Key]) -> Result<Vec<Q::Output>, Error> {
        let mut pooled = match self.connection.take() {
            Some(pooled) => pooled,
            None => self.pool.connect().await.map_err(note_failure)?,
        };
        let limit = self.pool.0.config.query_timeout.get();
        let ended = {
            // Pinned first: every wrapper moves what it wraps, and this has more than a kilobyte.
            let run = pin!(self.pool.0.sessions.run(query, &mut pooled.connection, keys));
            timeout(limit, unless_cut(self.pool.faults(), run)).await
        };
        let Ok(result) = ended else {
            self.give_up(pooled);
            return Err(note_failure(Error::QueryTimeout(limit)));
        };
        match &result {
            Err(error) if breaks_connection(error) => {
                // A restart of Postgres ends all connections at once, and a changed schema or server
                // concerns all of them: the idle ones too.
                debug!(error = describe(error), "a connection was given up; the idle connections are closed");
                self.pool.close_idle();
            }
            _ => self.connection = Some(pooled),
        }
        result.map_err(|error| note_failure(error.into()))
    }

    /// Keeps the connection's place in the pool until Postgres has ended the query. Then the connection
    /// can be used again.
    fn give_up(&mut self, mut pooled: OpenConnection) {
        let (pool, permit) = (self.pool.clone(), self.permit.take());
        let mut closing = pool.0.closing.subscribe();
        let limit = pool.0.config.query_timeout.get() + LATE_REPLY;
        tokio::spawn(async move {
            let drain = unless_cut(pool.faults(), async { Ok(session::drain(&mut pooled.connection).await) });
            let drained = tokio::select! {
                drained = timeout(limit, drain) => drained.is_ok_and(Result::unwrap_or_default),
                _ = closing.wait_for(|is_closing| *is_closing) => false,
            };
            if drained {
                pool.0.idle.lock().push(pooled);
            }
            drop(permit);
        });
    }
}

/// Notes the failure on the query's span.
fn note_failure(error: Error) -> Error {
    let span = Span::current();
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.name());
    if let Some(code) = error.sqlstate() {
        span.record("db.response.status_code", &*code);
    }
    error
}

impl Drop for PoolConnection {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.0.idle.lock().push(connection);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size()).finish_non_exhaustive()
    }
}

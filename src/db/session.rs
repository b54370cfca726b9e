//! How queries use a session of Postgres: with prepared statements, or in transactions of their own.
//!
//! A pooler in transaction mode may give each transaction another session. sqlx names its statements, so
//! without a transaction a statement could be missing, or be another client's.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::error::breaks_connection;
use super::query::Query;
use crate::config::Database;

/// What the sessions of a pool have in common.
pub(super) struct Sessions {
    prepared_statements: bool,
    query_timeout: Duration,
}

impl Sessions {
    pub(super) fn new(config: &Database) -> Self {
        Self { prepared_statements: config.prepared_statements, query_timeout: config.query_timeout.get() }
    }

    /// Returns the options to open a session with. Parameters in the URL win.
    pub(super) fn configure(&self, options: PgConnectOptions) -> PgConnectOptions {
        // Poolers refuse parameters that they do not track, and no column is a float.
        let mut options = options.extra_float_digits(None);
        if !self.prepared_statements {
            return options.statement_cache_capacity(0);
        }
        for (name, value) in self.parameters() {
            if !options.get_options().is_some_and(|options| options.contains(&format!("{name}="))) {
                options = options.options([(name, value)]);
            }
        }
        options
    }

    /// Returns the parameters of every session.
    ///
    /// Postgres ends a statement by itself after the query timeout, also if this process has ended meanwhile. It
    /// compiles none: `film_catalogue` has one row, too few for Postgres to collect statistics by itself. Without
    /// statistics it expects 1,330 rows, and would compile queries for milliseconds that run for microseconds.
    fn parameters(&self) -> [(&'static str, String); 2] {
        [("statement_timeout", self.statement_timeout().to_string()), ("jit", "off".to_owned())]
    }

    /// Runs a query, in a transaction of its own if statements are not prepared.
    pub(super) async fn run<Q: Query>(
        &self,
        query: &Q,
        connection: &mut PgConnection,
        keys: &[Q::Key],
    ) -> Result<Vec<Q::Output>, sqlx::Error> {
        if self.prepared_statements {
            return query.run(connection, keys).await;
        }
        let set = self.parameters().map(|(name, value)| format!("set local {name} = {value}")).join("; ");
        // An earlier client may have left statements of the same names in this session.
        let begin = format!("begin; {set}; deallocate all");
        let mut transaction = connection.begin_with(AssertSqlSafe(begin)).await?;
        match query.run(&mut transaction, keys).await {
            Ok(outputs) => transaction.commit().await.map(|()| outputs),
            Err(error) => {
                // The session is free for others only after this. The query's failure says more than
                // a failure of the rollback.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Returns the query timeout in milliseconds. 0 would switch the limit off, and Postgres holds it in
    /// 32 bits.
    fn statement_timeout(&self) -> i32 {
        i32::try_from(self.query_timeout.as_millis()).unwrap_or(i32::MAX).max(1)
    }
}

/// Reads the replies to a query that was given up. Returns whether the connection can be used again.
pub(super) async fn drain(connection: &mut PgConnection) -> bool {
    // The first reply is the error of the query that `statement_timeout` ended.
    while let Err(error) = connection.ping().await {
        if breaks_connection(&error) {
            return false;
        }
    }
    true
}

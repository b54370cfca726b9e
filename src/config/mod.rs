//! Every knob of the service: one struct for each room, filled from defaults, then a file, then the
//! environment ([`load()`]). Nothing else in the crate reads the environment.
//!
//! The doc comment of a field is its documentation everywhere: `films config --schema` prints it,
//! and the table in README.md is checked against it.

#![expect(clippy::disallowed_methods, reason = "this is the one room that reads the environment")]

mod connect;
mod error;
mod load;
mod otel;
#[cfg(test)]
mod reference;
mod text;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use connect::DatabaseUrl;
pub use error::Error;
pub use load::load;
pub use otel::Otel;

/// The configuration of `films`. Durations are text with a unit (`500ms`, `5s`, `1m`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The public listener.
    pub http: Http,
    /// The listener for probes and metrics.
    pub admin: Admin,
    /// PostgreSQL: where it is, and how much of it to use.
    pub database: Database,
    /// What makes an instance ready.
    pub readiness: Readiness,
    /// How an instance stops.
    pub shutdown: Shutdown,
    /// What is logged, and how.
    pub log: Log,
    /// The standard `OTEL_*` variables that the SDK leaves to us; they have no keys of their own.
    #[serde(skip)]
    pub otel: Otel,
}

/// The public listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port of the API. Port 0 takes any free one; the log says which.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Longest time from a request's head to its answer. A slower one is answered 504.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// Longest time for a request's body to arrive. A slower one is answered 408.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub body_timeout: Duration,
    /// Longest time a connection may take to send a request's head, counted from the answer before
    /// it: idle connections are closed after this too.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub header_timeout: Duration,
    /// Largest request body, in bytes. A larger one is answered 413.
    #[schemars(range(min = 1))]
    pub max_body_size: usize,
    /// Most connections at once. Further ones wait in the kernel's backlog.
    #[schemars(range(min = 1))]
    pub max_connections: usize,
    /// Threads that answer requests, each with its own share of the connections on both sides. Not
    /// set: as many as the process may use cores, of a container's CPU limit the whole ones, and one
    /// at least.
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<usize>,
}

impl Http {
    /// How many threads there are to be.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, 5000).into(),
            request_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_mins(1),
            max_body_size: 16 * 1024,
            max_connections: 10_000,
            threads: None,
        }
    }
}

/// The listener for probes and metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port of `/healthz`, `/readyz` and `/metrics`. Keep it off the public network.
    #[serde(deserialize_with = "text::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::UNSPECIFIED, 9090).into() }
    }
}

/// `PostgreSQL`: where it is, and how much of it to use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Connection URL; `DATABASE_URL` is an alias. What it leaves out comes from libpq's `PG*`
    /// variables, and what those leave out is `dvdrental` (user, its password, database) on
    /// `localhost:5432`.
    pub url: Option<DatabaseUrl>,
    /// Connection URL of a replica, from which films are read; reviews go to `database.url` all the
    /// same. What it leaves out is found as for that one. Reads are then as fresh as the replica is,
    /// which lags behind, and two replicas behind one address lag differently. Without the replica,
    /// reads fail and the instance is not ready. Not set: everything is asked of one Postgres.
    pub read_url: Option<DatabaseUrl>,
    /// File that holds the password, in place of one in the URLs; `DATABASE_PASSWORD_FILE` is an
    /// alias. One trailing line break is dropped.
    pub password_file: Option<PathBuf>,
    /// Most connections to Postgres at once, and as many again to the replica of
    /// `database.read_url`. It bounds everything the instance asks of the database, the readiness
    /// check included. More connections than the database has cores to serve make it slower, not
    /// faster.
    #[schemars(range(min = 1, max = 10_000))]
    pub pool_size: u32,
    /// Most requests that share one query. 1 switches batching off: every request is a query of its
    /// own, on up to `pool_size` connections at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_batch_size: usize,
    /// Most requests that may wait for a query of one kind (film, list, review). One more is answered
    /// 503 at once. Of reads each of `http.threads` has its share, and at least a batch.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_size: usize,
    /// Most answers of one kind (film, list) that are kept. One is used only while the catalogue
    /// has the version that it was read at, which is asked every time. 0 keeps none.
    pub cache_entries: usize,
    /// Most memory for the answers of one kind that are kept, in bytes. A longer list is read anew
    /// every time.
    pub cache_size: usize,
    /// Longest time to open a connection. It bounds how long a request waits for a database that
    /// is away.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// Longest time for one query. A slower one fails with 503, and its connection is closed.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub query_timeout: Duration,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            read_url: None,
            password_file: None,
            pool_size: 20,
            max_batch_size: 256,
            queue_size: 4096,
            cache_entries: 10_000,
            cache_size: 16 * 1024 * 1024,
            connect_timeout: Duration::from_secs(2),
            query_timeout: Duration::from_secs(5),
        }
    }
}

/// What makes an instance ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Readiness {
    /// Whether a database that cannot be reached makes the instance unready. `true`: traffic goes
    /// elsewhere. `false`: the instance keeps its traffic and answers 503 by itself, which is right
    /// where all instances share one database and taking them all out helps nobody.
    pub database: bool,
    /// Time between two checks of the database; `/readyz` answers from the last one.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub interval: Duration,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { database: true, interval: Duration::from_secs(1) }
    }
}

/// How an instance stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// Time to keep serving after SIGTERM, unready and answering `Connection: close`, so that load
    /// balancers move away first. Ctrl-C skips it.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub lame_duck: Duration,
    /// Longest time after that for requests under way to finish. What is left then is cut off.
    #[serde(with = "text::duration")]
    #[schemars(with = "String")]
    pub grace: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { lame_duck: Duration::from_secs(5), grace: Duration::from_secs(20) }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Which lines are written: a level, or `target=level` pairs as in `RUST_LOG`, which is an
    /// alias. `info,films::http=debug` adds a line for every request.
    pub filter: String,
    /// `json`, `text`, or `auto`: text on a terminal, JSON elsewhere.
    #[serde(deserialize_with = "text::name")]
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

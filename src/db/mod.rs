//! Everything that knows Postgres, and nothing that knows HTTP.
//!
//! [`Postgres`] is the database of an instance, and [`Db`] the handle of one worker thread. Behind a
//! handle, [`batcher`] decides when a query runs, `films`, `list_reviews` and `reviews` hold the SQL, [`cache`]
//! keeps responses for as long as their version lasts, [`leases`] says when these responses need no query, and
//! [`pool`] lends the connections.

mod batcher;
mod cache;
mod cached_query;
mod clock;
mod connect;
mod cut_connections;
mod entries;
mod error;
mod failures;
mod films;
mod foreign;
mod health;
mod idempotency_keys;
mod keyed_reviews;
mod lag;
mod leases;
mod list_reviews;
mod migrate;
mod pool;
mod pool_faults;
mod pooled;
mod postgres;
mod query;
mod reads;
mod reviews;
mod schema;
mod seed;
mod session;
mod slow_query;
mod sqlstate;
mod submission;
mod tracking;
mod version;
mod words;

pub(crate) use batcher::BatchTimes;
pub use connect::ConnectError;
pub use error::Error;
pub use failures::Failing;
pub use films::{FilmPage, Filter};
pub use health::{Checks, Status};
pub use list_reviews::{ReviewFilter, ReviewPage};
pub use migrate::{MIGRATOR, MigrateError, Migrated, migrate};
pub use postgres::{Db, Postgres};
pub use seed::{SeedError, Seeded, seed};
pub use submission::Created;
pub use version::{Version, Versioned};

//! Everything that knows Postgres, and nothing that knows HTTP.
//!
//! [`Db`] is the door: a handler asks it for a film and cannot tell whether the answer came from a
//! query of its own or from one that many requests shared. Behind the door, [`batch`] decides when
//! a query runs, `films` and `reviews` what it says, and [`pool`] on which connection.

mod batch;
mod check;
mod connect;
mod error;
mod films;
mod metrics;
mod migrate;
mod pool;
mod query;
mod reviews;
mod seed;

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::sync::watch;

use crate::config::{Database, Readiness};
use batch::Batch;
use pool::Pool;
use query::OnPool;

pub use check::Status;
pub use connect::ConnectError;
pub use error::Error;
pub use films::{Film, Films, Filter};
pub use migrate::{MIGRATOR, MigrateError, Migrated, migrate};
pub use reviews::Review;
pub use seed::{SeedError, Seeded, seed};

/// The database, as the handlers see it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool,
    films: Batch<OnPool<films::ById>>,
    lists: Batch<OnPool<films::Released>>,
    reviews: Batch<OnPool<reviews::Insert>>,
}

impl Db {
    /// Makes the pool and starts the workers. Connects to nothing yet: the first query does.
    pub fn new(config: &Database) -> Result<Self, crate::config::Error> {
        let pool = Pool::new(config.connect_options()?, config);
        let limits = batch::Limits {
            max_batch_size: config.max_batch_size,
            queue_size: config.queue_size,
            workers: workers(config),
        };
        Ok(Self {
            films: Batch::start(OnPool::new(&pool), limits),
            lists: Batch::start(OnPool::new(&pool), limits),
            reviews: Batch::start(OnPool::new(&pool), limits),
            pool,
        })
    }

    /// The film with this id, if there is one.
    pub async fn film(&self, film_id: i32) -> Result<Option<Film>, Error> {
        self.films.ask(film_id).await
    }

    /// The films that pass the filter, by ascending id.
    pub async fn films(&self, filter: Filter) -> Result<Films, Error> {
        self.lists.ask(filter).await
    }

    /// Stores a review. `true`: it is committed. `false`: there is no such film.
    pub async fn review(&self, review: Review) -> Result<bool, Error> {
        self.reviews.ask(review).await.flatten()
    }

    /// Checks the database again and again, and tells the result of the last check.
    pub fn watch(&self, config: &Readiness) -> watch::Receiver<Status> {
        check::watch(self.pool.clone(), config.interval)
    }

    /// Refuses new requests, finishes those that are queued, and closes the connections.
    pub async fn close(&self) {
        tokio::join!(self.films.close(), self.lists.close(), self.reviews.close());
        self.pool.close().await;
    }
}

/// How many queries of one kind run at once.
///
/// Without batching as many as there are connections. With it few do more: while a query runs the
/// next batch grows, and every further query at once makes the batches smaller. Half the cores
/// leaves the other half to Postgres and HTTP where all share one small machine.
fn workers(config: &Database) -> usize {
    let pool_size = config.pool_size as usize;
    if config.max_batch_size == 1 {
        return pool_size;
    }
    let cores = available_parallelism().map_or(1, NonZero::get);
    (cores / 2).clamp(1, pool_size)
}

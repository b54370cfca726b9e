//! Everything that knows Postgres, and nothing that knows HTTP.
//!
//! [`Db`] is the door, one for each thread that serves: a handler asks it for a film and cannot tell
//! whether the answer came from a query of its own or from one that many requests shared. Behind the
//! door, [`batch`] decides when a query runs, `films` and `reviews` what it says, and [`pool`] on which
//! connection.

mod batch;
mod catalogue;
mod check;
mod connect;
mod error;
mod films;
mod links;
mod metrics;
mod migrate;
mod pool;
mod query;
mod reviews;
mod seed;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::config::{Database, Readiness};
use batch::Batch;
use catalogue::Catalogue;
use pool::Pool;
use query::OnPool;

pub use catalogue::{Version, Versioned};
pub use check::{Checks, Status};
pub use connect::ConnectError;
pub use error::Error;
pub use films::{Filter, Page};
pub use migrate::{MIGRATOR, MigrateError, Migrated, migrate};
pub use reviews::Review;
pub use seed::{SeedError, Seeded, seed};

/// The database of an instance.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    /// Of the replica, where reads go to one.
    replica: Option<Pool>,
    films: Arc<Catalogue<films::ById>>,
    lists: Arc<Catalogue<films::Released>>,
    reviews: Arc<Batch<OnPool<reviews::Insert>>>,
    config: Database,
    opened: Arc<Mutex<Vec<Arc<Db>>>>,
}

impl Postgres {
    /// Connects to nothing yet: the first query does.
    pub fn new(config: &Database) -> Result<Self, crate::config::Error> {
        let opened = Arc::default();
        metrics::observe_queues(&opened);
        let pool = Pool::new("database", config.connect_options()?, config);
        let replica = config.read_options()?.map(|options| Pool::new("replica", options, config));
        let reviews = OnPool::new(&pool, Arc::new(reviews::Insert));
        Ok(Self {
            reviews: Arc::new(Batch::start(reviews, limits(config, 1))),
            pool,
            replica,
            films: Arc::new(Catalogue::new(config)),
            lists: Arc::new(Catalogue::new(config)),
            config: config.clone(),
            opened,
        })
    }

    /// The database for the requests of one runtime, which is one among `share`: its queries are
    /// batched and run there.
    pub fn open(&self, runtime: &Handle, share: usize) -> Arc<Db> {
        let _entered = runtime.enter();
        let limits = limits(&self.config, share);
        let pool = self.replica.as_ref().unwrap_or(&self.pool);
        let db = Arc::new(Db {
            films: Batch::start(OnPool::new(pool, Arc::clone(&self.films)), limits),
            lists: Batch::start(OnPool::new(pool, Arc::clone(&self.lists)), limits),
            reviews: Arc::clone(&self.reviews),
        });
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&db));
        db
    }

    /// Checks the database and its replica again and again, and tells the result of the last check.
    pub fn watch(&self, config: &Readiness) -> Checks {
        let watch = |pool: &Pool| check::watch(pool.clone(), config.interval.get());
        Checks { database: watch(&self.pool), replica: self.replica.as_ref().map(watch) }
    }

    /// Refuses new requests, finishes those that are queued, and closes the connections.
    pub async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for db in opened {
            db.close().await;
        }
        for pool in self.replica.iter().chain([&self.pool]) {
            pool.close().await;
        }
    }
}

/// The database, as the handlers see it.
#[derive(Debug)]
pub struct Db {
    films: Batch<OnPool<Catalogue<films::ById>>>,
    lists: Batch<OnPool<Catalogue<films::Released>>>,
    reviews: Arc<Batch<OnPool<reviews::Insert>>>,
}

impl Db {
    /// The film with this id as JSON, if there is one.
    pub async fn film(&self, film_id: i32) -> Result<Versioned<Option<Bytes>>, Error> {
        self.films.ask(film_id).await
    }

    /// The films that pass the filter, by ascending id.
    pub async fn films(&self, filter: Filter) -> Result<Versioned<Page>, Error> {
        self.lists.ask(filter).await
    }

    /// Stores a review. `true`: it is committed. `false`: there is no such film.
    pub async fn review(&self, review: Review) -> Result<bool, Error> {
        self.reviews.ask(review).await.flatten()
    }

    async fn close(&self) {
        tokio::join!(self.films.close(), self.lists.close(), self.reviews.close());
    }
}

/// What one runtime among `share` may have waiting and running.
///
/// With batching one query of a kind runs at once: while it does the next batch grows, and every
/// further query would make the batches smaller. Without batching the connections are the limit.
fn limits(config: &Database, share: usize) -> batch::Limits {
    let batching = config.max_batch_size > 1;
    batch::Limits {
        max_batch_size: config.max_batch_size,
        // A queue that is shorter than a batch would refuse what the next query could have answered.
        queue_size: config.queue_size.div_ceil(share).max(config.max_batch_size),
        workers: if batching { 1 } else { (config.pool_size as usize).div_ceil(share) },
    }
}

//! The database of an instance, and the handle that handlers use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::{KeyValue, global};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::batcher::{BatchLimits, Batcher};
use super::cache::{FilmCache, Versioned};
use super::error::Error;
use super::failures::Failing;
use super::films::{FilmPage, Filter, GetFilm, ListFilms};
use super::health::{self, Checks, Purpose};
use super::pool::Pool;
use super::pooled::PooledQuery;
use super::reviews::{CreateReview, Outcome};
use super::tracking::Tracking;
use crate::api::{Film, Json, Review};
use crate::config::{self, Database};

/// The handles that were opened, one for each worker thread.
type Handles = Arc<Mutex<Vec<Arc<Db>>>>;

/// The database of an instance.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    /// The pool of the replica, if reads go to one.
    replica: Option<Pool>,
    get_film: Arc<FilmCache<GetFilm>>,
    list_films: Arc<FilmCache<ListFilms>>,
    create_review: Arc<Batcher<PooledQuery<CreateReview>>>,
    /// Whether changes of films are tracked, as the checks find.
    tracking: Arc<Tracking>,
    failures: Failing,
    config: Database,
    handles: Handles,
}

impl Postgres {
    /// Prepares the pools and starts the writer of reviews on the current runtime. The first query
    /// opens the first connection.
    pub fn new(config: &Database) -> Result<Self, config::Error> {
        let handles = Handles::default();
        observe_queues(&handles);
        let pool = Pool::new("database", config.connect_options()?, config);
        let replica = config.read_options()?.map(|options| Pool::new("replica", options, config));
        let (failures, tracking) = (Failing::new(), Arc::default());
        let create_review =
            PooledQuery::new(&pool, &Arc::new(CreateReview::default()), &failures.create_review);
        Ok(Self {
            create_review: Arc::new(Batcher::start(create_review, limits(config, 1))),
            pool,
            replica,
            get_film: Arc::new(FilmCache::new(config, &tracking)),
            list_films: Arc::new(FilmCache::new(config, &tracking)),
            tracking,
            failures,
            config: config.clone(),
            handles,
        })
    }

    /// Opens the handle of one worker thread among `worker_count`. Its reads are batched and run on
    /// that thread's runtime.
    pub fn open(&self, runtime: &Handle, worker_count: usize) -> Arc<Db> {
        let _entered = runtime.enter();
        let limits = limits(&self.config, worker_count);
        let pool = self.replica.as_ref().unwrap_or(&self.pool);
        let db = Arc::new(Db {
            get_film: Batcher::start(PooledQuery::new(pool, &self.get_film, &self.failures.get_film), limits),
            list_films: Batcher::start(
                PooledQuery::new(pool, &self.list_films, &self.failures.list_films),
                limits,
            ),
            create_review: Arc::clone(&self.create_review),
            lock_limit: self.config.query_timeout.get(),
        });
        self.handles.lock().push(Arc::clone(&db));
        db
    }

    /// Starts the background checks of the database and its replica.
    pub fn watch(&self, config: &config::Readiness) -> Checks {
        let watch = |pool: &Pool, writes, reads: bool| {
            let purpose = Purpose { writes, tracking: reads.then(|| Arc::clone(&self.tracking)) };
            health::watch(pool.clone(), purpose, config.interval.get())
        };
        Checks {
            database: watch(&self.pool, true, self.replica.is_none()),
            replica: self.replica.as_ref().map(|replica| watch(replica, false, true)),
        }
    }

    /// Returns the failures of the queries.
    pub fn failing(&self) -> Failing {
        self.failures.clone()
    }

    /// Refuses new requests, finishes the queued ones, and closes the connections.
    pub async fn close(&self) {
        let handles = std::mem::take(&mut *self.handles.lock());
        for db in handles {
            db.close().await;
        }
        for pool in self.replica.iter().chain([&self.pool]) {
            pool.close().await;
        }
    }
}

/// The database, as the handlers of one worker thread see it. A handler cannot tell whether its query
/// was shared.
#[derive(Debug)]
pub struct Db {
    get_film: Batcher<PooledQuery<FilmCache<GetFilm>>>,
    list_films: Batcher<PooledQuery<FilmCache<ListFilms>>>,
    create_review: Arc<Batcher<PooledQuery<CreateReview>>>,
    /// Longest time that a review waits for the lock of its film.
    lock_limit: Duration,
}

/// The pauses between two attempts to store a review whose film is locked.
const FIRST_LOCK_RETRY: Duration = Duration::from_millis(2);
const LAST_LOCK_RETRY: Duration = Duration::from_millis(100);

impl Db {
    /// Returns the film with this id, if there is one.
    pub async fn get_film(&self, film_id: i32) -> Result<Versioned<Option<Json<Film>>>, Error> {
        self.get_film.submit(film_id).await
    }

    /// Returns the films that the filter selects, by ascending id.
    pub async fn list_films(&self, filter: Filter) -> Result<Versioned<FilmPage>, Error> {
        self.list_films.submit(filter).await
    }

    /// Stores a review. Returns `true` once it is committed, `false` if its film does not exist.
    ///
    /// While another transaction locks the film, the review is submitted again and again, so that it waits
    /// outside of Postgres: in a statement it would hold up the reviews of other films.
    pub async fn create_review(&self, review: Review) -> Result<bool, Error> {
        let (since, mut pause) = (Instant::now(), FIRST_LOCK_RETRY);
        loop {
            match self.create_review.submit(review).await.flatten()? {
                Outcome::Stored => return Ok(true),
                Outcome::NoFilm => return Ok(false),
                Outcome::FilmLocked if since.elapsed() > self.lock_limit => {
                    return Err(Error::FilmLocked(self.lock_limit));
                }
                Outcome::FilmLocked => sleep(pause).await,
            }
            pause = (pause * 2).min(LAST_LOCK_RETRY);
        }
    }

    async fn close(&self) {
        tokio::join!(self.get_film.close(), self.list_films.close(), self.create_review.close());
    }
}

/// Returns the share of one runtime among `worker_count` in the limits of the instance.
///
/// With batching, one query of a kind runs at once: while it runs, the next batch grows, and a second
/// query would make both batches smaller. Without batching, the pool is the limit.
fn limits(config: &Database, worker_count: usize) -> BatchLimits {
    let has_batches = config.max_batch_size > 1;
    BatchLimits {
        max_batch_size: config.max_batch_size,
        // A queue shorter than a batch would refuse requests that the next query could take.
        queue_size: config.queue_size.div_ceil(worker_count).max(config.max_batch_size),
        workers: if has_batches { 1 } else { (config.pool_size as usize).div_ceil(worker_count) },
    }
}

/// Registers the gauge of the queues. Every worker thread has its own queues for reads; the gauge
/// shows their sum.
fn observe_queues(handles: &Handles) {
    let handles = Arc::downgrade(handles);
    global::meter("films")
        .u64_observable_gauge("batch.queue")
        .with_description("Requests that wait for a query")
        .with_unit("{request}")
        .with_callback(move |gauge| {
            let Some(handles) = handles.upgrade() else { return };
            let handles = handles.lock();
            // All handles share one writer of reviews.
            let writes = handles.first().map(|db| db.create_review.queue_length());
            let reads =
                handles.iter().flat_map(|db| [db.get_film.queue_length(), db.list_films.queue_length()]);
            let mut lengths = BTreeMap::new();
            for (query, length) in reads.chain(writes) {
                *lengths.entry(query).or_default() += length as u64;
            }
            for (query, length) in lengths {
                gauge.observe(length, &[KeyValue::new("query", query)]);
            }
        })
        .build();
}

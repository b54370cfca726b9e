//! The database of an instance, and the handle that handlers use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

use super::batcher::{BatchLimits, Batcher};
use super::cache::ResponseCache;
use super::cached_query::CachedQuery;
use super::entries::Entries;
use super::error::Error;
use super::failures::{Failing, Failures};
use super::films::{FilmPage, Filter, GetFilm, ListFilms};
use super::health::{self, Checks, Purpose};
use super::idempotency_keys;
use super::lag::Lag;
use super::leases::Leases;
use super::list_reviews::{ListReviews, ReviewFilter, ReviewPage};
use super::pool::Pool;
use super::pool_faults;
use super::pooled::PooledQuery;
use super::reads::Reads;
use super::reviews::CreateReview;
use super::submission::{Created, Outcome, Submission};
use super::tracking::Tracking;
use super::version::Versioned;
use crate::api::{Film, Json, Review};
use crate::config::{self, Database};
use crate::faults::Faults;
use crate::telemetry::{BATCH_QUEUE, READS};

/// The handles that were opened, one for each worker thread.
type Handles = Arc<Mutex<Vec<Arc<Db>>>>;

/// The database of an instance.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    /// The pool of the replica, if reads go to one.
    replica: Option<Pool>,
    get_film: Arc<ResponseCache<GetFilm>>,
    list_films: Arc<ResponseCache<ListFilms>>,
    list_reviews: Arc<ResponseCache<ListReviews>>,
    create_review: Arc<Batcher<PooledQuery<CreateReview>>>,
    /// Whether changes of films and reviews are tracked, as the checks find.
    tracking: Arc<Tracking>,
    /// `None` if every read needs a query.
    leases: Option<Arc<Leases>>,
    /// The handles that end the renewal of leases and the clean-up of idempotency keys.
    tasks: Vec<AbortHandle>,
    failures: Failing,
    config: Database,
    handles: Handles,
}

impl Postgres {
    /// Prepares the pools and starts the writer of reviews on the current runtime. The first query
    /// opens the first connection.
    pub(crate) fn new(
        config: &Database,
        reviews: &config::Reviews,
        faults: Option<&Faults>,
    ) -> Result<Self, config::Error> {
        let handles = Handles::default();
        observe_queues(&handles);
        observe_reads(&handles);
        let pool = Pool::new("database", config.connect_options()?, config, faults);
        let replica = config.read_options()?.map(|options| Pool::new("replica", options, config, faults));
        if let Some(faults) = faults {
            replica.iter().chain([&pool]).for_each(|pool| pool_faults::inject(faults, pool));
        }
        let (failures, tracking) = (Failing::new(), Arc::default());
        let leases = has_leases(config).then(|| Arc::new(Leases::new(&tracking)));
        let renewal = leases.as_ref().map(|leases| tokio::spawn(Arc::clone(leases).renew(pool.clone())));
        let expiry = tokio::spawn(idempotency_keys::expire(pool.clone(), reviews.clone()));
        let create_review =
            PooledQuery::new(&pool, &Arc::new(CreateReview::default()), &failures.create_review);
        Ok(Self {
            create_review: Arc::new(Batcher::start(create_review, limits(config, 1))),
            pool,
            replica,
            get_film: Arc::new(ResponseCache::new(config, &tracking, leases.as_ref())),
            list_films: Arc::new(ResponseCache::new(config, &tracking, leases.as_ref())),
            list_reviews: Arc::new(ResponseCache::new(config, &tracking, None)),
            tracking,
            leases,
            tasks: renewal.iter().chain([&expiry]).map(JoinHandle::abort_handle).collect(),
            failures,
            config: config.clone(),
            handles,
        })
    }

    /// Opens the handle of one worker thread among `worker_count`. The reads of the handle are batched and run on
    /// that thread's `runtime`.
    pub fn open(&self, runtime: &Handle, worker_count: usize) -> Arc<Db> {
        let _entered = runtime.enter();
        let leases = self.leases.as_ref();
        let db = Arc::new(Db {
            get_film: self.reads(&self.get_film, &self.failures.get_film, leases, worker_count),
            list_films: self.reads(&self.list_films, &self.failures.list_films, leases, worker_count),
            // A lease holds for the catalogue only: reviews arrive too often to wait for it.
            list_reviews: self.reads(&self.list_reviews, &self.failures.list_reviews, None, worker_count),
            create_review: Arc::clone(&self.create_review),
            failures: Arc::clone(&self.failures.create_review),
            lock_limit: self.config.query_timeout.get(),
        });
        self.handles.lock().push(Arc::clone(&db));
        db
    }

    /// Starts the reads of one kind of one worker thread among `worker_count`.
    fn reads<Q: CachedQuery>(
        &self,
        cache: &Arc<ResponseCache<Q>>,
        failures: &Arc<Failures>,
        leases: Option<&Arc<Leases>>,
        worker_count: usize,
    ) -> Reads<Q> {
        let pool = self.replica.as_ref().unwrap_or(&self.pool);
        let query = PooledQuery::new(pool, cache, failures);
        let responses = Entries::new(self.config.cache_entries, self.config.cache_size / worker_count);
        Reads::start(query, limits(&self.config, worker_count), leases, responses)
    }

    /// Starts the background checks of the database and its replica.
    pub fn watch(&self, config: &config::Readiness) -> Checks {
        let watch = |pool: &Pool, purpose| health::watch(pool.clone(), purpose, config.interval.get());
        let tracking = Some(Arc::clone(&self.tracking));
        match &self.replica {
            None => Checks {
                database: watch(&self.pool, Purpose { writes: true, tracking, lag: None }),
                replica: None,
            },
            Some(replica) => Checks {
                database: watch(&self.pool, Purpose { writes: true, tracking: None, lag: None }),
                replica: Some(watch(replica, Purpose { writes: false, tracking, lag: Some(Lag::observe()) })),
            },
        }
    }

    /// Returns the failures of every kind of query. Clones share them.
    pub fn failing(&self) -> Failing {
        self.failures.clone()
    }

    /// Refuses new requests, finishes the queued ones, and closes the connections.
    pub async fn close(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        let handles = self.handles.lock().clone();
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
    get_film: Reads<GetFilm>,
    list_films: Reads<ListFilms>,
    list_reviews: Reads<ListReviews>,
    create_review: Arc<Batcher<PooledQuery<CreateReview>>>,
    /// Counts the reviews that were given up because of a lock. Their queries succeeded.
    failures: Arc<Failures>,
    /// Longest time that a review waits for the lock of its film, or for another request with its key.
    lock_limit: Duration,
}

/// The pauses between two attempts to store a review whose film or key is in use.
const FIRST_LOCK_RETRY: Duration = Duration::from_millis(2);
const LAST_LOCK_RETRY: Duration = Duration::from_millis(100);

impl Db {
    /// Returns the film with this id, if there is one.
    pub async fn get_film(&self, film_id: i32) -> Result<Versioned<Option<Json<Film>>>, Error> {
        self.get_film.read(film_id).await
    }

    /// Returns the films that the filter selects, by ascending id.
    pub async fn list_films(&self, filter: Filter) -> Result<Versioned<FilmPage>, Error> {
        self.list_films.read(filter).await
    }

    /// Returns the reviews that the filter selects, newest first, if there is such a film.
    pub async fn list_reviews(&self, filter: ReviewFilter) -> Result<Versioned<Option<ReviewPage>>, Error> {
        self.list_reviews.read(filter).await
    }

    /// Stores a review and returns after the commit. Under one key, only one review is stored.
    ///
    /// While another transaction locks the film or stores a review under the same key, the review is submitted
    /// again and again, so that it waits outside of Postgres: in a statement it would hold up other reviews.
    pub async fn create_review(&self, review: Review, key: Option<Arc<str>>) -> Result<Created, Error> {
        let submission = Submission { review, key };
        let (since, mut pause) = (Instant::now(), FIRST_LOCK_RETRY);
        loop {
            let is_late = since.elapsed() > self.lock_limit;
            match self.create_review.submit(submission.clone()).await.flatten()? {
                Outcome::Stored => return Ok(Created::Stored),
                Outcome::Repeated => return Ok(Created::Repeated),
                Outcome::NoFilm => return Ok(Created::NoFilm),
                Outcome::KeyReused => return Ok(Created::KeyReused),
                Outcome::KeyInUse if is_late => return Err(Error::KeyInUse(self.lock_limit)),
                Outcome::FilmLocked if is_late => {
                    let error = Error::FilmLocked(self.lock_limit);
                    self.failures.count(&error);
                    return Err(error);
                }
                Outcome::FilmLocked | Outcome::KeyInUse => sleep(pause).await,
            }
            pause = (pause * 2).min(LAST_LOCK_RETRY);
        }
    }

    async fn close(&self) {
        tokio::join!(
            self.get_film.close(),
            self.list_films.close(),
            self.list_reviews.close(),
            self.create_review.close()
        );
    }
}

/// Returns whether leases are used. A replica holds no lock of its primary, and behind a pooler in transaction
/// mode a transaction that is never ended would keep the lock.
fn has_leases(config: &Database) -> bool {
    config.leases && config.read_url.is_none() && config.prepared_statements
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

/// Registers the counter of reads, by where their responses came from.
fn observe_reads(handles: &Handles) {
    let handles = Arc::downgrade(handles);
    READS.observe_counter(move |counter| {
        let Some(handles) = handles.upgrade() else { return };
        let mut sums = BTreeMap::new();
        for db in handles.lock().iter() {
            for (query, counts) in [db.get_film.counts(), db.list_films.counts(), db.list_reviews.counts()] {
                for (source, count) in counts {
                    *sums.entry((query, source)).or_default() += count;
                }
            }
        }
        for ((query, source), count) in sums {
            counter.observe(count, &[KeyValue::new("query", query), KeyValue::new("source", source)]);
        }
    });
}

/// Registers the gauge of the queues. Every worker thread has its own queues for reads; the gauge
/// shows their sum.
fn observe_queues(handles: &Handles) {
    let handles = Arc::downgrade(handles);
    BATCH_QUEUE.observe_gauge(move |gauge| {
        let Some(handles) = handles.upgrade() else { return };
        let handles = handles.lock();
        // All handles share one writer of reviews.
        let writes = handles.first().map(|db| db.create_review.queue_length());
        let reads = handles.iter().flat_map(|db| {
            [db.get_film.queue_length(), db.list_films.queue_length(), db.list_reviews.queue_length()]
        });
        let mut lengths = BTreeMap::new();
        for (query, length) in reads.chain(writes) {
            *lengths.entry(query).or_default() += length as u64;
        }
        for (query, length) in lengths {
            gauge.observe(length, &[KeyValue::new("query", query)]);
        }
    });
}

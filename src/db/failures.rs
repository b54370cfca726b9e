//! Notes whether the queries of one kind fail, so that a failure is neither silent nor a line for every
//! request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use parking_lot::Mutex;
use tracing::{info, warn};

use super::cached_query::CachedQuery as _;
use super::error::Error;
use super::films::{GetFilm, ListFilms};
use super::list_reviews::ListReviews;
use super::query::Query as _;
use super::reviews::CreateReview;
use crate::telemetry::QUERY_FAILURES;

/// Least time between two lines about failing queries.
const PAUSE: Duration = Duration::from_secs(1);

/// A failure that was not followed by a success counts as the present cause for this long.
const PRESENT: Duration = Duration::from_mins(1);

/// The failures of one kind of query, on all threads.
#[derive(Debug)]
pub(super) struct Failures {
    /// The metric label `query`.
    query: &'static str,
    count: Counter<u64>,
    /// Whether the last query failed. Spares a success the lock.
    failing: AtomicBool,
    last: Mutex<Option<Failure>>,
}

/// The last failure.
#[derive(Debug)]
struct Failure {
    text: String,
    at: Instant,
    /// The SQLSTATE in the last line, or the name of the error. `None` if the failures since the last
    /// success were not logged.
    logged: Option<String>,
    logged_at: Instant,
}

impl Failures {
    fn new(query: &'static str) -> Self {
        Self {
            query,
            count: QUERY_FAILURES.counter(),
            failing: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    /// Returns why these queries fail, or `None` if they do not fail at present.
    fn cause(&self) -> Option<String> {
        let last = self.last.lock();
        let is_present =
            |failure: &&Failure| self.failing.load(Ordering::Relaxed) && failure.at.elapsed() < PRESENT;
        last.as_ref().filter(is_present).map(|failure| failure.text.clone())
    }

    /// Notes the result of a query. Logs a line when queries begin to fail, when the cause changes, and
    /// when they work again.
    pub(super) fn note<T>(&self, result: &Result<T, Error>) {
        match result {
            Ok(_) if self.failing.load(Ordering::Relaxed) => self.note_success(),
            Ok(_) => {}
            Err(error) => {
                self.count(error);
                // The background check logs an unreachable database, once for all queries.
                if !error.is_unreachable() {
                    self.note_failure(error);
                }
            }
        }
    }

    /// Counts a failure.
    pub(super) fn count(&self, error: &Error) {
        let mut labels = vec![KeyValue::new("query", self.query), KeyValue::new("error.type", error.name())];
        labels
            .extend(error.sqlstate().map(|code| KeyValue::new("db.response.status_code", code.into_owned())));
        self.count.add(1, &labels);
    }

    fn note_failure(&self, error: &Error) {
        let code = error.sqlstate().map_or_else(|| error.name().to_owned(), Cow::into_owned);
        let (text, at) = (error.to_string(), Instant::now());
        let mut last = self.last.lock();
        let (mut logged, mut logged_at) = (None, None);
        if let Some(last) = last.take() {
            (logged, logged_at) = (last.logged, Some(last.logged_at));
        }
        if logged.as_ref() != Some(&code) && logged_at.is_none_or(|logged_at| at - logged_at > PAUSE) {
            warn!(query = self.query, error = text, "queries fail");
            (logged, logged_at) = (Some(code), Some(at));
        }
        *last = Some(Failure { text, at, logged, logged_at: logged_at.unwrap_or(at) });
        self.failing.store(true, Ordering::Relaxed);
    }

    fn note_success(&self) {
        let mut last = self.last.lock();
        self.failing.store(false, Ordering::Relaxed);
        if last.as_mut().and_then(|last| last.logged.take()).is_some() {
            info!(query = self.query, "queries work again");
        }
    }
}

/// The failures of every kind of query.
#[derive(Clone, Debug)]
pub struct Failing {
    pub(super) get_film: Arc<Failures>,
    pub(super) list_films: Arc<Failures>,
    pub(super) list_reviews: Arc<Failures>,
    pub(super) create_review: Arc<Failures>,
}

impl Failing {
    pub(super) fn new() -> Self {
        let failures = |query| Arc::new(Failures::new(query));
        Self {
            get_film: failures(GetFilm::NAME),
            list_films: failures(ListFilms::NAME),
            list_reviews: failures(ListReviews::NAME),
            create_review: failures(CreateReview::NAME),
        }
    }

    /// Returns the queries that fail at present, and why.
    pub fn causes(&self) -> BTreeMap<&'static str, String> {
        let failures = [&self.get_film, &self.list_films, &self.list_reviews, &self.create_review];
        failures.into_iter().filter_map(|failures| Some((failures.query, failures.cause()?))).collect()
    }
}

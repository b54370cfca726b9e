//! Reads that go on while somebody writes. Each is to answer with a state that the catalogue had
//! while it was asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::join_all;
use sqlx::PgPool;

use super::{PATHS, Reader, Seen, entitle, ten_films};
use crate::support::Films;

/// The writer goes on until there were so many of both, so that the one has met the other.
const UPDATES: u64 = 2_000;
const READS: u64 = 500;
const READERS: usize = 8;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn with_the_defaults(pool: PgPool) {
    no_read_is_stale(&pool, &[]).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_batches(pool: PgPool) {
    no_read_is_stale(&pool, &[("FILMS__DATABASE__MAX_BATCH_SIZE", "1")]).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn with_nothing_kept(pool: PgPool) {
    no_read_is_stale(&pool, &[("FILMS__DATABASE__CACHE_ENTRIES", "0")]).await;
}

/// What the writer and the readers know of one another.
#[derive(Default)]
struct Progress {
    /// The last update that was sent, and the last whose commit was confirmed.
    begun: AtomicU64,
    committed: AtomicU64,
    done: AtomicBool,
    reads: AtomicU64,
    /// What was seen on a path under a tag.
    seen: Mutex<HashMap<(&'static str, String), Seen>>,
}

async fn no_read_is_stale(pool: &PgPool, settings: &[(&str, &str)]) {
    ten_films(pool).await;
    let films = Films::start_with(pool, settings).await;
    let progress = Progress::default();
    let readers = join_all((0..READERS).map(|nth| read(&films, nth, &progress)));
    tokio::join!(write(pool, &progress), readers);

    let states = progress.seen.lock().unwrap().len();
    assert!(states > 50, "{:?} reads saw {states} states", progress.reads);
}

async fn write(pool: &PgPool, progress: &Progress) {
    let mut writer = pool.acquire().await.unwrap();
    for number in 1.. {
        progress.begun.store(number, Ordering::SeqCst);
        entitle(&mut writer, 7, number).await.unwrap();
        progress.committed.store(number, Ordering::SeqCst);
        if number >= UPDATES && progress.reads.load(Ordering::SeqCst) >= READS {
            break;
        }
    }
    progress.done.store(true, Ordering::SeqCst);
}

/// Every other reader asks whether what it has seen still holds.
async fn read(films: &Films, nth: usize, progress: &Progress) {
    let reader = Reader::new(films);
    let mut kept = HashMap::new();
    for path in PATHS.into_iter().cycle().skip(nth) {
        if progress.done.load(Ordering::SeqCst) {
            break;
        }
        let committed = progress.committed.load(Ordering::SeqCst);
        let seen = reader.reread(path, kept.get(path)).await;
        let begun = progress.begun.load(Ordering::SeqCst);
        let number = seen.number();
        assert!((committed..=begun).contains(&number), "{path}: {number} from {committed} to {begun}");
        remember(path, &seen, progress);
        if nth.is_multiple_of(2) {
            kept.insert(path, seen);
        }
        progress.reads.fetch_add(1, Ordering::SeqCst);
    }
}

/// A strong tag promises the same bytes.
fn remember(path: &'static str, seen: &Seen, progress: &Progress) {
    let mut all = progress.seen.lock().unwrap();
    let first = all.entry((path, seen.tag.clone())).or_insert_with(|| seen.clone());
    assert_eq!(first, seen, "{path}");
}

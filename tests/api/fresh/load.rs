//! Reads that go on while somebody writes. Each is to answer with a state that the catalogue had
//! while it was asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::join_all;
use sqlx::PgPool;

use super::{PATHS, Reader, Seen, entitle, ten_films};
use crate::support::Films;

const UPDATES: u64 = 2_000;
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
    /// What was seen on a path under a tag.
    seen: Mutex<HashMap<(&'static str, String), Seen>>,
}

async fn no_read_is_stale(pool: &PgPool, settings: &[(&str, &str)]) {
    ten_films(pool).await;
    let films = Films::start_with(pool, settings).await;
    let progress = Progress::default();
    let readers = join_all((0..READERS).map(|nth| read(&films, nth, &progress)));
    let ((), reads) = tokio::join!(write(pool, &progress), readers);

    // Enough of both for the one to have met the other.
    let states = progress.seen.lock().unwrap().len();
    let reads: usize = reads.iter().sum();
    assert!(states > 50 && reads > 200, "{reads} reads saw {states} states");
}

async fn write(pool: &PgPool, progress: &Progress) {
    let mut writer = pool.acquire().await.unwrap();
    for number in 1..=UPDATES {
        progress.begun.store(number, Ordering::SeqCst);
        entitle(&mut writer, 7, number).await.unwrap();
        progress.committed.store(number, Ordering::SeqCst);
    }
    progress.done.store(true, Ordering::SeqCst);
}

/// Every other reader asks whether what it has seen still holds.
async fn read(films: &Films, nth: usize, progress: &Progress) -> usize {
    let reader = Reader::new(films);
    let mut kept = HashMap::new();
    let mut reads = 0;
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
        reads += 1;
    }
    reads
}

/// A strong tag promises the same bytes.
fn remember(path: &'static str, seen: &Seen, progress: &Progress) {
    let mut all = progress.seen.lock().unwrap();
    let first = all.entry((path, seen.tag.clone())).or_insert_with(|| seen.clone());
    assert_eq!(first, seen, "{path}");
}

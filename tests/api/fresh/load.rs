//! Reads during writes. Each response must be a state that the catalogue had at some time between
//! request and response.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::future::join_all;
use sqlx::PgPool;

use super::catalogue::{PATHS, set_title, ten_films};
use super::reader::{Reader, Seen};
use crate::support::Films;

/// The writer goes on until there are as many updates, reads and different responses as this, so that
/// reads and updates have overlapped on any machine.
const UPDATES: u64 = 2_000;
const READS: u64 = 500;
const STATES: usize = 50;
const READERS: usize = 8;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_read_is_stale_with_default_settings(pool: PgPool) {
    check_reads(&pool, &[]).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_read_is_stale_without_batches(pool: PgPool) {
    check_reads(&pool, &[("FILMS__DATABASE__MAX_BATCH_SIZE", "1")]).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_read_is_stale_without_a_cache(pool: PgPool) {
    check_reads(&pool, &[("FILMS__DATABASE__CACHE_ENTRIES", "0")]).await;
}

/// What the writer and the readers tell each other.
#[derive(Default)]
struct Progress {
    /// Number of the last update that was sent.
    sent: AtomicU64,
    /// Number of the last update whose commit was confirmed.
    committed: AtomicU64,
    done: AtomicBool,
    reads: AtomicU64,
    /// Responses by path and `ETag`.
    seen: Mutex<HashMap<(&'static str, String), Seen>>,
}

async fn check_reads(pool: &PgPool, settings: &[(&str, &str)]) {
    ten_films(pool).await;
    let films = Films::start_with(pool, settings).await;
    let progress = Progress::default();
    let readers = join_all((0..READERS).map(|nth| read(&films, nth, &progress)));
    tokio::join!(write(pool, &progress), readers);
}

async fn write(pool: &PgPool, progress: &Progress) {
    let mut writer = pool.acquire().await.unwrap();
    for number in 1.. {
        progress.sent.store(number, Ordering::SeqCst);
        set_title(&mut writer, 7, number).await.unwrap();
        progress.committed.store(number, Ordering::SeqCst);
        let reads = progress.reads.load(Ordering::SeqCst);
        if number >= UPDATES && reads >= READS && progress.seen.lock().unwrap().len() > STATES {
            break;
        }
    }
    progress.done.store(true, Ordering::SeqCst);
}

/// Reads until the writer is done. Every other reader sends `If-None-Match`.
async fn read(films: &Films, nth: usize, progress: &Progress) {
    let reader = Reader::new(films);
    let mut seen_before = HashMap::new();
    for path in PATHS.into_iter().cycle().skip(nth) {
        if progress.done.load(Ordering::SeqCst) {
            break;
        }
        let committed = progress.committed.load(Ordering::SeqCst);
        let seen = reader.reread(path, seen_before.get(path)).await;
        let sent = progress.sent.load(Ordering::SeqCst);
        let number = seen.number();
        assert!((committed..=sent).contains(&number), "{path}: {number} is not in {committed} to {sent}");
        remember(path, &seen, progress);
        if nth.is_multiple_of(2) {
            seen_before.insert(path, seen);
        }
        progress.reads.fetch_add(1, Ordering::SeqCst);
    }
}

/// Checks that equal `ETag`s have equal bodies.
fn remember(path: &'static str, seen: &Seen, progress: &Progress) {
    let mut all = progress.seen.lock().unwrap();
    let first = all.entry((path, seen.tag.clone())).or_insert_with(|| seen.clone());
    assert_eq!(first, seen, "{path}");
}

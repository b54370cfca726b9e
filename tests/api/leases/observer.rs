//! Observes two instances, with a writer of each habit and with readers of films and lists.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::PgPool;

use super::seen::Reader;
use super::writers::{Changes, HABITS, write};
use crate::support::Films;

const READERS_OF_EACH: usize = 3;
/// The wait for leased reads. A busy machine reads so slowly that most leases end unused.
const LONGEST: Duration = Duration::from_mins(4);

/// Inserts the films of the writers, and more. Every title is 0.
pub(super) async fn prepare(pool: &PgPool) {
    sqlx::query("insert into film (film_id, title, release_year) select id, '0', 2006 from generate_series(1, 200) id")
        .execute(pool)
        .await
        .unwrap();
}

/// Reads and writes until a response is stale, or until `is_enough` of the numbers of reads and of leased reads.
/// Describes the stale response, if there is one.
pub(super) async fn observe(
    pool: &PgPool,
    instances: &[Films; 2],
    is_enough: impl Fn(u64, u64) -> bool,
) -> Option<String> {
    let (changes, reads) = (Changes::default(), AtomicU64::new(0));
    let read = async |films: &Films, nth: usize| {
        let mut reader = Reader::new(films);
        for path in paths().iter().cycle().skip(nth) {
            if changes.is_done() {
                return None;
            }
            let stale = reader.stale(path, nth.is_multiple_of(2), &changes).await;
            reads.fetch_add(1, Ordering::Relaxed);
            if stale.is_some() {
                changes.end();
                return stale;
            }
        }
        None
    };
    let readers = instances.iter().flat_map(|films| (0..READERS_OF_EACH).map(move |nth| (films, nth)));
    let readers = join_all(readers.map(|(films, nth)| read(films, nth)));
    let watch = async {
        let since = Instant::now();
        while !changes.is_done() {
            let leased = leased(&instances[0]).await + leased(&instances[1]).await;
            if is_enough(reads.load(Ordering::Relaxed), leased) {
                changes.end();
            }
            if since.elapsed() > LONGEST {
                changes.end();
                panic!("not enough within {LONGEST:?}: {reads:?} reads, {leased} of them leased");
            }
        }
    };
    let ((), stale, ()) = tokio::join!(write(pool, &changes), readers, watch);
    stale.into_iter().flatten().next()
}

fn paths() -> Vec<String> {
    let films = (1..=HABITS.len()).map(|film_id| format!("/films/{film_id}/"));
    films.chain(["/films/?limit=20".to_owned(), "/films/?year.gt=1999&limit=9".to_owned()]).collect()
}

/// Returns how many responses of an instance came from memory.
pub(super) async fn leased(films: &Films) -> u64 {
    let metrics = films.admin("/metrics").await.body;
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("films_reads_total") && line.contains(r#"source="lease""#));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

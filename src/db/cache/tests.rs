//! Which responses are cached, for how long, and which are evicted.

use std::sync::Arc;

use super::*;

/// The content of a key is a number of bytes.
struct Bytes;

impl CachedQuery for Bytes {
    const NAME: &'static str = "bytes";
    type Key = u8;
    type Content = Vec<u8>;

    async fn read(_: &mut PgConnection, _: &[u8]) -> Result<Vec<Versioned<Vec<u8>>>, sqlx::Error> {
        Ok(Vec::new())
    }

    fn size(content: &Vec<u8>) -> usize {
        content.len()
    }
}

fn cache(cache_entries: usize, cache_size: usize) -> FilmCache<Bytes> {
    let config = Database { cache_entries, cache_size, ..Database::default() };
    FilmCache::new(&config, &Arc::default())
}

fn insert(cache: &FilmCache<Bytes>, key: u8, version: u128, size: usize) {
    let version = CatalogueVersion(Uuid::from_u128(version));
    cache.insert(0, &[key], &[Versioned { version, content: vec![0; size] }]);
}

fn has(cache: &FilmCache<Bytes>, version: u128, keys: &[u8]) -> Vec<bool> {
    let cached = cache.cached(0, CatalogueVersion(Uuid::from_u128(version)), keys);
    cached.iter().map(Option::is_some).collect()
}

#[test]
fn a_response_counts_only_at_its_own_version() {
    let cache = cache(10, 100);
    insert(&cache, 1, 7, 10);
    assert_eq!(has(&cache, 7, &[1, 2]), [true, false]);
    assert_eq!(has(&cache, 8, &[1]), [false]);
    insert(&cache, 1, 8, 10);
    assert_eq!((has(&cache, 7, &[1]), has(&cache, 8, &[1])), (vec![false], vec![true]));
}

#[test]
fn the_least_recently_used_response_is_evicted() {
    let by_entries = cache(2, 100);
    for key in [1, 2, 1, 3] {
        if has(&by_entries, 7, &[key]) == [false] {
            insert(&by_entries, key, 7, 10);
        }
    }
    assert_eq!(has(&by_entries, 7, &[1, 2, 3]), [true, false, true]);

    let by_size = cache(10, 100);
    insert(&by_size, 1, 7, 60);
    insert(&by_size, 2, 7, 40);
    insert(&by_size, 3, 7, 1);
    assert_eq!(has(&by_size, 7, &[1, 2, 3]), [false, true, true]);
    // A second response to the same key replaces the first, in the sum of the sizes too.
    for _ in 0..10 {
        insert(&by_size, 2, 7, 50);
    }
    assert_eq!(has(&by_size, 7, &[2, 3]), [true, true]);
    assert_eq!(by_size.entries.lock().size, 51);
}

#[test]
fn a_response_above_the_limits_is_not_cached() {
    let small = cache(10, 100);
    insert(&small, 1, 7, 101);
    assert_eq!(has(&small, 7, &[1]), [false]);
    assert_eq!(small.entries.lock().size, 0);
    let off = cache(0, 100);
    insert(&off, 1, 7, 1);
    assert_eq!(has(&off, 7, &[1]), [false]);
}

#[test]
fn a_response_of_another_period_of_tracking_is_not_used() {
    let cache = cache(10, 1000);
    let version = CatalogueVersion(Uuid::from_u128(7));
    insert(&cache, 1, 7, 10);
    assert_eq!(cache.cached(1, version, &[1]), [None]);
    // A batch that began in the earlier period neither finds nor leaves anything.
    assert_eq!(cache.cached(0, version, &[1]), [None]);
    insert(&cache, 1, 7, 10);
    assert_eq!(cache.cached(1, version, &[1]), [None]);
}

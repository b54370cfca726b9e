//! Which responses are cached, for how long, and which are evicted.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::*;
use crate::db::catalogue::CatalogueVersion;

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

fn entries(max_count: usize, max_size: usize) -> Entries<Bytes> {
    Entries::new(max_count, max_size)
}

fn held(period: u64, version: u128) -> Held {
    Held { period, version: CatalogueVersion(Uuid::from_u128(version)) }
}

fn insert(entries: &mut Entries<Bytes>, key: u8, version: u128, size: usize) {
    let version = held(0, version).version;
    entries.insert(0, key, Versioned { version, content: vec![0; size] });
}

fn has(entries: &mut Entries<Bytes>, version: u128, keys: &[u8]) -> Vec<bool> {
    keys.iter().map(|key| entries.get(held(0, version), key).is_some()).collect()
}

#[test]
fn a_response_counts_only_at_its_own_version() {
    let mut cache = entries(10, 100);
    insert(&mut cache, 1, 7, 10);
    assert_eq!(has(&mut cache, 7, &[1, 2]), [true, false]);
    assert_eq!(has(&mut cache, 8, &[1]), [false]);
    insert(&mut cache, 1, 8, 10);
    assert_eq!((has(&mut cache, 7, &[1]), has(&mut cache, 8, &[1])), (vec![false], vec![true]));
}

#[test]
fn the_least_recently_used_response_is_evicted() {
    let mut by_entries = entries(2, 100);
    for key in [1, 2, 1, 3] {
        if has(&mut by_entries, 7, &[key]) == [false] {
            insert(&mut by_entries, key, 7, 10);
        }
    }
    assert_eq!(has(&mut by_entries, 7, &[1, 2, 3]), [true, false, true]);

    let mut by_size = entries(10, 100);
    insert(&mut by_size, 1, 7, 60);
    insert(&mut by_size, 2, 7, 40);
    insert(&mut by_size, 3, 7, 1);
    assert_eq!(has(&mut by_size, 7, &[1, 2, 3]), [false, true, true]);
    // A second response to the same key replaces the first, in the sum of the sizes too.
    for _ in 0..10 {
        insert(&mut by_size, 2, 7, 50);
    }
    assert_eq!(has(&mut by_size, 7, &[2, 3]), [true, true]);
    assert_eq!(by_size.size, 51);
}

#[test]
fn a_response_above_the_limits_is_not_cached() {
    let mut small = entries(10, 100);
    insert(&mut small, 1, 7, 101);
    assert_eq!(has(&mut small, 7, &[1]), [false]);
    assert_eq!(small.size, 0);
    let mut off = entries(0, 100);
    insert(&mut off, 1, 7, 1);
    assert_eq!(has(&mut off, 7, &[1]), [false]);
}

#[test]
fn a_response_of_another_period_of_tracking_is_not_used() {
    let mut cache = entries(10, 1000);
    insert(&mut cache, 1, 7, 10);
    assert_eq!(cache.get(held(1, 7), &1), None);
    // A batch that began in the earlier period neither finds nor leaves anything.
    assert_eq!(cache.get(held(0, 7), &1), None);
    insert(&mut cache, 1, 7, 10);
    assert_eq!(cache.get(held(1, 7), &1), None);
}

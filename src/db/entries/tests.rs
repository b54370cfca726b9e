//! Which responses are cached, for how long, and which are evicted.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::*;
use crate::db::cached_query::{Lessor, Versions};
use crate::db::version::Version;

/// The content of a key is a number of bytes.
struct Bytes;

impl CachedQuery for Bytes {
    const NAME: &'static str = "bytes";
    const TABLE: &'static str = "bytes";
    type Key = u32;
    type Content = Vec<u8>;

    async fn versions(_: &mut PgConnection, _: &[u32], _: Lessor<'_>) -> Result<Versions, sqlx::Error> {
        Ok(Versions::Each(Vec::new()))
    }

    async fn read(_: &mut PgConnection, _: &[u32]) -> Result<Vec<Versioned<Vec<u8>>>, sqlx::Error> {
        Ok(Vec::new())
    }

    fn size(_: &u32, content: &Vec<u8>) -> usize {
        content.len()
    }
}

/// Size of a response without its content.
const EACH: usize = size_of::<u32>() + size_of::<Versioned<Vec<u8>>>();

fn entries(max_count: usize, max_size: usize) -> Entries<Bytes> {
    Entries::new(max_count, max_size)
}

fn held(period: u64, version: u128) -> Held {
    Held { period, version: Version(Uuid::from_u128(version)) }
}

fn insert(entries: &mut Entries<Bytes>, key: u32, version: u128, size: usize) {
    let version = held(0, version).version;
    entries.insert(0, key, Versioned { version, content: vec![0; size] });
}

fn has(entries: &mut Entries<Bytes>, version: u128, keys: &[u32]) -> Vec<bool> {
    keys.iter().map(|key| entries.get(held(0, version), key).is_some()).collect()
}

#[test]
fn a_response_counts_only_at_its_own_version() {
    let mut cache = entries(10, 1000);
    insert(&mut cache, 1, 7, 10);
    assert_eq!(has(&mut cache, 7, &[1, 2]), [true, false]);
    assert_eq!(has(&mut cache, 8, &[1]), [false]);
    insert(&mut cache, 1, 8, 10);
    assert_eq!((has(&mut cache, 7, &[1]), has(&mut cache, 8, &[1])), (vec![false], vec![true]));
}

#[test]
fn both_limits_hold() {
    let mut few = entries(5, 1000);
    let mut small = entries(1000, 1000);
    for key in 0..256 {
        insert(&mut few, key, 7, 1);
        insert(&mut small, key, 7, key as usize % 600);
        assert!(few.responses.len() <= 5);
        let sizes = small.responses.iter().map(|(_, response)| EACH + response.content.len());
        assert!(sizes.sum::<usize>() <= 1000);
    }
    // Without a limit that is reached, nothing is evicted.
    let mut all = entries(256, 256 * (EACH + 1));
    (0..256).for_each(|key| insert(&mut all, key, 7, 1));
    assert_eq!(all.responses.len(), 256);
    // A second response to the same key replaces the first.
    (0..10).for_each(|_| insert(&mut all, 2, 7, 1));
    assert_eq!(all.responses.len(), 256);
}

#[test]
fn a_flood_of_other_keys_leaves_those_that_are_read_again() {
    let mut cache = entries(20, 20 * (EACH + 10));
    for key in 0..256 {
        for key in [key, 1, 2, 3] {
            if has(&mut cache, 7, &[key]) == [false] {
                insert(&mut cache, key, 7, 10);
            }
        }
    }
    // Each new key above was read once, and now many follow without a read of the others.
    (1_000..101_000).for_each(|key| insert(&mut cache, key, 7, 10));
    assert_eq!(has(&mut cache, 7, &[1, 2, 3]), [true; 3]);
}

#[test]
fn a_flood_into_an_empty_cache_gives_way_to_keys_that_are_read_again() {
    let mut cache = entries(1_000, 1_000_000);
    (1_000..101_000).for_each(|key| insert(&mut cache, key, 7, 10));
    for key in 101_000..201_000 {
        insert(&mut cache, key, 7, 10);
        // Every tenth request is for one of these.
        let common = key / 10 % 3;
        if key % 10 == 0 && has(&mut cache, 7, &[common]) == [false] {
            insert(&mut cache, common, 7, 10);
        }
    }
    assert_eq!(has(&mut cache, 7, &[0, 1, 2]), [true; 3]);
}

#[test]
fn a_client_with_100_000_keys_stays_within_both_limits() {
    // The defaults: 10,000 responses, 16 MiB.
    let mut cache = entries(10_000, 16 << 20);
    for key in 0..100_000 {
        // Mostly 404s and short films, now and then a list.
        insert(&mut cache, key, 7, if key % 100 == 0 { 100_000 } else { key as usize % 100 });
        assert!(cache.responses.len() <= 10_000 && cache.responses.weight() <= 16 << 20);
    }
    let sizes = cache.responses.iter().map(|(_, response)| EACH + response.content.len());
    assert!(sizes.sum::<usize>() <= 16 << 20);
}

#[test]
fn a_response_above_the_limits_is_not_cached() {
    let mut small = entries(10, 2000);
    insert(&mut small, 1, 7, 2001 - EACH);
    assert_eq!(has(&mut small, 7, &[1]), [false]);
    insert(&mut small, 1, 7, 1800 - EACH);
    assert_eq!(has(&mut small, 7, &[1]), [true]);
    for mut off in [entries(0, 1000), entries(10, 0)] {
        insert(&mut off, 1, 7, 1);
        assert_eq!(has(&mut off, 7, &[1]), [false]);
    }
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

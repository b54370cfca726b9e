//! What is kept, for how long, and what makes room.

use super::*;

/// Answers a number with that many bytes.
struct Bytes;

impl Read for Bytes {
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

fn catalogue(cache_entries: usize, cache_size: usize) -> Catalogue<Bytes> {
    Catalogue::new(&Database { cache_entries, cache_size, ..Database::default() })
}

fn keep(catalogue: &Catalogue<Bytes>, key: u8, version: u128, size: usize) {
    catalogue
        .keep(&[key], &[Versioned { version: Version(Uuid::from_u128(version)), content: vec![0; size] }]);
}

fn has(catalogue: &Catalogue<Bytes>, version: u128, keys: &[u8]) -> Vec<bool> {
    let kept = catalogue.kept(Version(Uuid::from_u128(version)), keys);
    kept.iter().map(Option::is_some).collect()
}

#[test]
fn an_answer_counts_only_at_its_own_version() {
    let catalogue = catalogue(10, 100);
    keep(&catalogue, 1, 7, 10);
    assert_eq!(has(&catalogue, 7, &[1, 2]), [true, false]);
    assert_eq!(has(&catalogue, 8, &[1]), [false]);
    keep(&catalogue, 1, 8, 10);
    assert_eq!((has(&catalogue, 7, &[1]), has(&catalogue, 8, &[1])), (vec![false], vec![true]));
}

#[test]
fn the_answers_used_least_lately_make_room() {
    let by_entries = catalogue(2, 100);
    for key in [1, 2, 1, 3] {
        if has(&by_entries, 7, &[key]) == [false] {
            keep(&by_entries, key, 7, 10);
        }
    }
    assert_eq!(has(&by_entries, 7, &[1, 2, 3]), [true, false, true]);

    let by_size = catalogue(10, 100);
    keep(&by_size, 1, 7, 60);
    keep(&by_size, 2, 7, 40);
    keep(&by_size, 3, 7, 1);
    assert_eq!(has(&by_size, 7, &[1, 2, 3]), [false, true, true]);
    // Another answer to the same key takes the place of the first, in the sum too.
    for _ in 0..10 {
        keep(&by_size, 2, 7, 50);
    }
    assert_eq!(has(&by_size, 7, &[2, 3]), [true, true]);
    assert_eq!(by_size.kept.lock().unwrap().size, 51);
}

#[test]
fn what_fits_nowhere_is_not_kept() {
    let catalogue = catalogue(10, 100);
    keep(&catalogue, 1, 7, 101);
    assert_eq!(has(&catalogue, 7, &[1]), [false]);
    assert_eq!(catalogue.kept.lock().unwrap().size, 0);
    let off = self::catalogue(0, 100);
    keep(&off, 1, 7, 1);
    assert_eq!(has(&off, 7, &[1]), [false]);
}

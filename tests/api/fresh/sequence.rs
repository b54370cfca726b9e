//! One write, one read, many times.

use sqlx::PgPool;

use super::catalogue::{PATHS, set_title, ten_films};
use super::reader::Reader;
use crate::support::Films;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_next_request_sees_an_update(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    let mut writer = pool.acquire().await.unwrap();
    let mut seen_before = PATHS.map(|_| None);
    for (number, index) in (1..=3_000).zip((0..PATHS.len()).cycle()) {
        set_title(&mut writer, 7, number).await.unwrap();
        let path = PATHS[index];
        let seen = reader.reread(path, seen_before[index].as_ref()).await;
        assert_eq!(seen.number(), number, "{path}");
        seen_before[index] = Some(seen);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn two_instances_see_the_same_state(pool: PgPool) {
    ten_films(&pool).await;
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let readers = instances.each_ref().map(Reader::new);
    let mut writer = pool.acquire().await.unwrap();
    for number in 1..=100 {
        set_title(&mut writer, 7, number).await.unwrap();
        for path in PATHS {
            let [one, other] = [readers[0].read(path).await, readers[1].read(path).await];
            assert_eq!(one.number(), number, "{path}");
            assert_eq!(one, other, "{path}");
        }
    }
}

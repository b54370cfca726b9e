//! One write, one read, and again.

use sqlx::PgPool;

use super::{PATHS, Reader, entitle, ten_films};
use crate::support::Films;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_update_is_seen_by_the_very_next_request(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    let mut writer = pool.acquire().await.unwrap();
    let mut kept = PATHS.map(|_| None);
    for (number, which) in (1..=3_000).zip((0..PATHS.len()).cycle()) {
        entitle(&mut writer, 7, number).await.unwrap();
        let path = PATHS[which];
        let seen = reader.reread(path, kept[which].as_ref()).await;
        assert_eq!(seen.number(), number, "{path}");
        kept[which] = Some(seen);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_instance_sees_the_next_state_however_many_others_there_are(pool: PgPool) {
    ten_films(&pool).await;
    let instances = [Films::start(&pool).await, Films::start(&pool).await];
    let readers = instances.each_ref().map(Reader::new);
    let mut writer = pool.acquire().await.unwrap();
    for number in 1..=100 {
        entitle(&mut writer, 7, number).await.unwrap();
        for path in PATHS {
            let [one, other] = [readers[0].read(path).await, readers[1].read(path).await];
            assert_eq!(one.number(), number, "{path}");
            assert_eq!(one, other, "{path}");
        }
    }
}

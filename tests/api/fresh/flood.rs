//! One client that fills the cache.

use sqlx::PgPool;

use super::catalogue::{PATHS, ten_films};
use crate::support::Films;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_client_with_many_filters_fails_no_other_client(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__CACHE_ENTRIES", "20")]).await;
    let flood = async {
        for after in 0..400 {
            assert_eq!(films.get(&format!("/films/?after={after}&limit=1")).await.status, 200);
        }
    };
    let others = async {
        for _ in 0..40 {
            for path in PATHS {
                let response = films.get(path).await;
                assert_eq!(response.status, 200, "{path}");
                assert!(response.body.contains("\"title\":\"0\""), "{path}: {}", response.body);
            }
        }
    };
    tokio::join!(flood, others);
}

//! Which texts are keys, and which are refused.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::database::count;
use crate::support::http::{REVIEW, send};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_malformed_key_is_refused_and_nothing_is_stored(pool: PgPool) {
    let films = Films::start(&pool).await;
    let longer = "k".repeat(256);
    for key in ["", r#""""#, r#""open"#, r#""a";b=c"#, "a,b", "a b", &longer] {
        let detail = films.post_keyed(key, REVIEW).await.problem(400, "invalid-idempotency-key");
        assert!(detail.starts_with("expected one key of 1 to 255 characters"), "{detail}");
    }
    let twice = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    send(films.http, "POST", "/reviews/", &twice, REVIEW).await.problem(400, "invalid-idempotency-key");
    assert_eq!(count(&pool, "review").await, 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_key_may_be_long_and_have_any_printable_character(pool: PgPool) {
    let films = Films::start(&pool).await;
    let longest = "k".repeat(255);
    for key in [r#""it's; a, \"key\" \\ %00 {}""#, &longest] {
        assert_eq!(films.post_keyed(key, REVIEW).await.status, 200, "{key}");
        assert_eq!(films.post_keyed(key, REVIEW).await.header("idempotent-replayed"), "true", "{key}");
    }
    assert_eq!(count(&pool, "review").await, 2);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn reads_ignore_the_header(pool: PgPool) {
    let films = Films::start(&pool).await;
    let response = send(films.http, "GET", "/films/995/", &[("idempotency-key", "a b")], "").await;
    assert_eq!(response.status, 200);
}

//! Tests of values of the right type that cannot be used.

use super::*;

#[tokio::test]
async fn a_misspelt_level_is_refused_with_the_near_level() {
    for (filter, near) in [
        ("inof", "did you mean info?"),
        ("debgu", "did you mean debug?"),
        ("wran,films=debug", "did you mean warn?"),
        ("info, tarce", "did you mean trace?"),
        ("sqlx", "such as sqlx=trace"),
    ] {
        let named = ["log.filter", filter, "FILMS__LOG__FILTER", near, "expected a level (off, error, warn"];
        assert_refused(&[("FILMS__LOG__FILTER", filter)], &named).await;
    }
}

#[tokio::test]
async fn levels_and_pairs_are_filters() {
    for filter in ["off", "INFO", "3", "films=debug", "hyper=warn, info", "films[request]=debug", "warn,"] {
        effective(&[("FILMS__LOG__FILTER", filter)], &[]).await;
    }
}

#[tokio::test]
async fn a_number_out_of_range_is_refused_with_the_range() {
    for (key, expected) in [
        ("http.max_connections", "expected 1 to 1000000"),
        ("http.max_body_size", "expected 1 to 1073741824"),
        ("http.threads", "expected 1 to 1024"),
        ("database.pool_size", "expected 1 to 10000"),
        ("database.max_batch_size", "expected 1 to 10000"),
        ("database.queue_size", "expected 1 to 1000000"),
        ("database.cache_entries", "expected 0 to 10000000"),
        ("database.cache_size", "expected 0 to 1099511627776"),
        ("reviews.idempotency_keys", "expected 1000 to 1000000000"),
    ] {
        let variable = format!("FILMS__{}", key.to_uppercase().replace('.', "__"));
        // The pool's size has 32 bits.
        let largest = if key == "database.pool_size" { "4294967295" } else { "2305843009213693952" };
        assert_refused(&[(&variable, largest)], &[key, largest, &variable, expected]).await;
    }
}

#[tokio::test]
async fn a_duration_out_of_range_is_refused_with_the_range() {
    for key in [
        "http.request_timeout",
        "http.body_timeout",
        "http.header_timeout",
        "http.write_timeout",
        "database.connect_timeout",
        "database.query_timeout",
        "reviews.idempotency_ttl",
        "readiness.interval",
        "shutdown.lame_duck",
        "shutdown.grace",
        "log.slow_request",
    ] {
        let variable = format!("FILMS__{}", key.to_uppercase().replace('.', "__"));
        for value in ["31d", "584542046089y", "99999999999999999999s"] {
            let named = [key, value, &variable, "expected at most 30 days"];
            assert_refused(&[(&variable, value)], &named).await;
        }
    }
}

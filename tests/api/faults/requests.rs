//! The faults of requests and of the readiness.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::*;
use crate::support::database::count;
use crate::support::http::REVIEW;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn latency_delays_every_request_until_its_end(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("latency", r#"{"seconds":600,"milliseconds":300}"#).await;
    for path in ["/films/995/", "/films/995/", "/no/such/path"] {
        let since = Instant::now();
        faulty.films.get(path).await;
        assert!(since.elapsed() >= Duration::from_millis(300), "{:?} for {path}", since.elapsed());
    }
    let page = faulty.films.admin("/metrics").await;
    let seconds =
        page.sample("http_server_request_duration_seconds_sum", &["http_route=\"/films/{film_id}/\""]);
    assert!(seconds.unwrap().parse::<f64>().unwrap() >= 0.6, "{seconds:?}");

    // The request waits for the end of the fault, not for a minute.
    faulty.inject("latency", r#"{"seconds":1,"milliseconds":60000}"#).await;
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);
    faulty.until_over("latency").await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_latency_above_the_limit_is_a_timeout(pool: PgPool) {
    let limits = [("FILMS__HTTP__REQUEST_TIMEOUT", "200ms"), ("FILMS__HTTP__BODY_TIMEOUT", "100ms")];
    let faulty = Faulty::start_with(&pool, &limits).await;
    faulty.inject("latency", r#"{"seconds":600,"milliseconds":60000}"#).await;
    faulty.films.get("/films/995/").await.problem(504, "timeout");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn errors_look_like_failures_to_clients_metrics_and_the_log(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("errors", r#"{"seconds":600,"share":1}"#).await;
    for path in ["/films/995/", "/films/?year.gt=2010"] {
        faulty.films.get(path).await.problem(500, "injected-fault");
    }
    let page = faulty.films.admin("/metrics").await;
    let labels = [
        "http_route=\"/films/{film_id}/\"",
        "http_response_status_code=\"500\"",
        "error_type=\"injected-fault\"",
    ];
    page.assert_sample("http_server_request_duration_seconds_count", &labels, 1);
    faulty.films.until_logged(|line| line["error"] == "the fault errors is injected").await;
    // The admin port is spared.
    assert_eq!(faulty.films.admin("/readyz").await.status, 200);

    faulty.inject("errors", r#"{"seconds":1,"share":1}"#).await;
    faulty.until_over("errors").await;
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn errors_refuse_a_share_of_the_reviews_and_lose_none(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("errors", r#"{"seconds":600,"share":0.25}"#).await;
    let responses = join_all((0..100).map(|_| faulty.films.post("/reviews/", REVIEW))).await;
    let with_status = |status| responses.iter().filter(|response| response.status == status).count();
    let (stored, failed) = (with_status(200), with_status(500));
    assert_eq!(stored + failed, 100, "{responses:?}");
    assert!((23..=27).contains(&failed), "{failed} of 100 failed");
    assert_eq!(usize::try_from(count(&pool, "review").await), Ok(stored));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_fault_unready_changes_the_readiness_and_nothing_else(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("unready", r#"{"seconds":600}"#).await;
    let unready = faulty.films.admin("/readyz").await;
    assert_eq!((unready.status, &unready.json()["database"]), (503, &json!("up")));
    assert!(
        unready.json()["reason"].as_str().unwrap().contains("the fault unready is injected"),
        "{unready:?}"
    );
    faulty.until_sample("films_ready", &[], "0").await;
    assert_eq!(faulty.films.admin("/healthz").await.status, 200);
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);

    faulty.inject("unready", r#"{"seconds":1}"#).await;
    faulty.until_over("unready").await;
    assert_eq!(faulty.films.admin("/readyz").await.status, 200);
    faulty.until_sample("films_ready", &[], "1").await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn two_faults_act_at_once(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("latency", r#"{"seconds":600,"milliseconds":200}"#).await;
    faulty.inject("errors", r#"{"seconds":600,"share":1}"#).await;
    let since = Instant::now();
    faulty.films.get("/films/995/").await.problem(500, "injected-fault");
    assert!(since.elapsed() >= Duration::from_millis(200), "{:?}", since.elapsed());
    faulty.end("errors").await;
    let since = Instant::now();
    assert_eq!(faulty.films.get("/films/995/").await.status, 200);
    assert!(since.elapsed() >= Duration::from_millis(200), "{:?}", since.elapsed());
}

//! Metrics of `/metrics`.

use serde_json::Value;
use sqlx::PgPool;

use super::instances::spawn;
use crate::support::Films;
use crate::support::http::send;
use crate::support::proxy::Proxy;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_are_counted_by_route_and_status(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [1, 2, 3, 0] {
        films.get(&format!("/films/{id}/")).await;
    }
    let page = films.admin("/metrics").await;
    assert!(page.header("content-type").starts_with("text/plain"), "{page:?}");
    let name = "http_server_request_duration_seconds_count";
    let route = r#"http_route="/films/{film_id}/""#;
    let method = r#"http_request_method="GET""#;
    page.assert_sample(name, &[route, method, r#"http_response_status_code="200""#], 3);
    page.assert_sample(name, &[route, method, r#"http_response_status_code="404""#], 1);
    page.assert_sample("http_server_active_requests", &[method], 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_are_not_counted(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    films.admin("/healthz").await;
    films.admin("/metrics").await;
    let page = films.admin("/metrics").await;
    assert_eq!(page.sample("http_server_request_duration_seconds_count", &[]), None, "{page:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn durations_have_buckets_below_a_millisecond(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    let page = films.admin("/metrics").await;
    for name in ["http_server_request_duration_seconds_bucket", "batch_wait_seconds_bucket"] {
        for bound in ["0.00005", "0.001", "10"] {
            assert!(page.sample(name, &[&format!("le=\"{bound}\"")]).is_some(), "{name} {bound}\n{page:?}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn batches_and_connections_are_counted(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__POOL_SIZE", "7")]).await;
    for id in 1..=5 {
        films.get(&format!("/films/{id}/")).await;
    }
    let page = films.admin("/metrics").await;
    let film = r#"query="get_film""#;
    page.assert_sample("batch_size_count", &[film], 5);
    page.assert_sample("batch_size_sum", &[film], 5);
    page.assert_sample("batch_wait_seconds_count", &[film], 5);
    page.assert_sample("batch_queue", &[film], 0);
    page.assert_sample("db_client_connection_max", &[], 7);
    let count = |state: &str| -> u32 {
        let state = format!("db_client_connection_state=\"{state}\"");
        page.sample("db_client_connection_count", &[&state]).unwrap().parse().unwrap()
    };
    assert!(count("idle") + count("used") >= 1, "{page:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_version_is_a_metric(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    let page = films.admin("/metrics").await;
    page.assert_sample("films_build_info", &[&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))], 1);
    assert!(page.body.contains("commit=\""), "{page:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_unknown_method_or_path_adds_no_label(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    films.get("/coffee/").await;
    let page = films.admin("/metrics").await;
    let name = "http_server_request_duration_seconds_count";
    page.assert_sample(name, &[r#"http_request_method="_OTHER""#, r#"http_response_status_code="405""#], 1);
    page.assert_sample(name, &[r#"http_response_status_code="404""#], 1);
    assert!(!page.body.contains("BREW") && !page.body.contains("coffee"), "{page:?}");
}

const DATABASE: &str = r#"db_client_connection_pool_name="database""#;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_readiness_and_the_reachability_of_the_database_are_gauges(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    let films = Films::spawn(&proxy.variables(&pool)).await;
    films.until_ready().await;
    let page = films.admin("/metrics").await;
    page.assert_sample("films_ready", &[], 1);
    page.assert_sample("films_database_reachable", &[DATABASE], 1);

    proxy.cut();
    films.until_readiness(|response| response.json()["database"] == "down").await;
    let page = films.admin("/metrics").await;
    page.assert_sample("films_ready", &[], 0);
    page.assert_sample("films_database_reachable", &[DATABASE], 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_database_that_cannot_serve_is_reachable(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::query("alter table film disable trigger film_changed").execute(&pool).await.unwrap();
    films.until_readiness(|response| response.json()["database"] == "untracked").await;
    let page = films.admin("/metrics").await;
    page.assert_sample("films_ready", &[], 0);
    page.assert_sample("films_database_reachable", &[DATABASE], 1);
}

/// The share of requests below the threshold is known only if the threshold is a bound of a bucket.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_latency_threshold_of_the_chart_is_a_bound_of_a_bucket(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    let page = films.admin("/metrics").await;
    let schema: Value = serde_json::from_str(include_str!("../../../helm/films/values.schema.json")).unwrap();
    let objectives = &schema["properties"]["monitoring"]["properties"]["objectives"]["properties"];
    let thresholds = objectives["latencyThreshold"]["enum"].as_array().unwrap();
    assert!(!thresholds.is_empty());
    for threshold in thresholds {
        let threshold = threshold.as_str().unwrap();
        let seconds = threshold.parse::<humantime::Duration>().unwrap().as_secs_f64();
        let bucket =
            page.sample("http_server_request_duration_seconds_bucket", &[&format!("le=\"{seconds}\"")]);
        assert!(bucket.is_some(), "{threshold}\n{page:?}");
    }
}

//! Metrics to scrape.

use super::*;

/// The value of the sample of this name that has these labels among its own.
pub(super) fn sample(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    page.lines().find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (its_name, its_labels) = series.split_once('{').unwrap_or((series, "}"));
        let its_labels: Vec<&str> = its_labels.strip_suffix('}')?.split(',').collect();
        (its_name == name && labels.iter().all(|label| its_labels.contains(label)))
            .then(|| value.parse().unwrap())
    })
}

#[track_caller]
fn assert_sample(page: &str, name: &str, labels: &[&str], expected: u32) {
    let value = sample(page, name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in\n{page}"));
    assert!(value.total_cmp(&f64::from(expected)).is_eq(), "{name} {labels:?} is {value}, not {expected}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_are_counted_by_route_and_status(pool: PgPool) {
    let films = Films::start(&pool).await;
    for id in [1, 2, 3, 0] {
        films.get(&format!("/films/{id}/")).await;
    }
    let answer = films.admin("/metrics").await;
    assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    let (page, name) = (&answer.body, "http_server_request_duration_seconds_count");
    let route = r#"http_route="/films/{film_id}/""#;
    let method = r#"http_request_method="GET""#;
    assert_sample(page, name, &[route, method, r#"http_response_status_code="200""#], 3);
    assert_sample(page, name, &[route, method, r#"http_response_status_code="404""#], 1);
    assert_sample(page, "http_server_active_requests", &[method], 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_are_not_counted(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    films.admin("/healthz").await;
    films.admin("/metrics").await;
    let page = films.admin("/metrics").await.body;
    assert_eq!(sample(&page, "http_server_request_duration_seconds_count", &[]), None, "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn histograms_of_time_begin_below_a_millisecond(pool: PgPool) {
    let films = Films::start(&pool).await;
    films.get("/films/995/").await;
    let page = films.admin("/metrics").await.body;
    for name in ["http_server_request_duration_seconds_bucket", "batch_wait_seconds_bucket"] {
        for bound in ["0.00005", "0.001", "10"] {
            assert!(sample(&page, name, &[&format!("le=\"{bound}\"")]).is_some(), "{name} {bound}\n{page}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn batches_and_connections_are_counted(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__DATABASE__POOL_SIZE", "7")]).await;
    for id in 1..=5 {
        films.get(&format!("/films/{id}/")).await;
    }
    let page = films.admin("/metrics").await.body;
    let film = r#"batch_name="film""#;
    assert_sample(&page, "batch_size_count", &[film], 5);
    assert_sample(&page, "batch_size_sum", &[film], 5);
    assert_sample(&page, "batch_wait_seconds_count", &[film], 5);
    assert_sample(&page, "batch_queue", &[film], 0);
    assert_sample(&page, "db_client_connection_max", &[], 7);
    let count = |state: &str| {
        let state = format!("db_client_connection_state=\"{state}\"");
        sample(&page, "db_client_connection_count", &[&state])
    };
    assert!(count("idle").unwrap() + count("used").unwrap() >= 1.0, "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_build_is_a_metric(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    let page = films.admin("/metrics").await.body;
    assert_sample(&page, "films_build_info", &[&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))], 1);
    assert!(page.contains("commit=\""), "{page}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_invented_method_or_path_makes_no_label_of_its_own(pool: PgPool) {
    let films = spawn(&pool, &[]).await;
    send(films.http, "BREW", "/films/", &[], "").await;
    films.get("/coffee/").await;
    let page = films.admin("/metrics").await.body;
    let name = "http_server_request_duration_seconds_count";
    assert_sample(&page, name, &[r#"http_request_method="_OTHER""#, r#"http_response_status_code="405""#], 1);
    assert_sample(&page, name, &[r#"http_response_status_code="404""#], 1);
    assert!(!page.contains("BREW") && !page.contains("coffee"), "{page}");
}

//! The log, `/readyz` and the metrics name the present cause of failures.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::REVIEW;
use crate::support::proxy::Proxy;

/// Fails every review as a full disk does.
const FULL_DISK: &str = "
    create function fail() returns trigger language plpgsql as $$
    begin
        raise exception 'could not extend file: no space left on device' using errcode = 'disk_full', hint = 'Check free disk space.';
    end
    $$;
    create trigger fail before insert on review for each statement execute function fail();";

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn failing_reviews_are_logged_when_they_begin_and_when_they_end(pool: PgPool) {
    let films = Films::start(&pool).await;
    sqlx::raw_sql(FULL_DISK).execute(&pool).await.unwrap();
    for _ in 0..20 {
        films.post("/reviews/", REVIEW).await.problem(503, "unavailable");
    }
    let report = films.admin("/readyz").await;
    let cause = report.json()["failing"]["create_review"].as_str().unwrap().to_owned();
    assert_eq!(report.status, 200, "reads work, and all instances share the database");
    assert!(cause.contains("no space left on device; Check free disk space."), "{cause}");
    assert!(!cause.contains("at line"), "{cause}");
    let metrics = films.admin("/metrics").await;
    let labels = ["query=\"create_review\"", "db_response_status_code=\"53100\""];
    assert_eq!(metrics.sample("films_query_failures_total", &labels), Some("20"));

    sqlx::raw_sql("drop trigger fail on review").execute(&pool).await.unwrap();
    films.until_posted(200).await;
    films.until_readiness(|response| response.json().get("failing").is_none()).await;
    let lines: Vec<_> =
        films.stop().await.into_iter().filter(|line| line["query"] == "create_review").collect();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["queries fail", "queries work again"]);
    assert!(lines[0]["error"].as_str().unwrap().contains("no space left"), "{lines:#?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_second_cause_after_a_first_is_reported(pool: PgPool) {
    let proxy = Proxy::start(&pool).await;
    proxy.cut();
    let mut variables = proxy.variables(&pool);
    let url = variables["DATABASE_URL"].clone();
    let missing = format!("{}/missing", url.rsplit_once('/').unwrap().0);
    variables.insert("DATABASE_URL".into(), missing);
    let films = Films::spawn(&variables).await;
    films.until_readiness(|response| response.json()["database"] == "down").await;

    proxy.open();
    let is_named = |text: &serde_json::Value| {
        text.as_str().is_some_and(|text| text.contains("\"missing\" does not exist"))
    };
    films.until_readiness(|response| is_named(&response.json()["reason"])).await;
    films.until_logged(|line| line["level"] == "WARN" && is_named(&line["error"])).await;
}

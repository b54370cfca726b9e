//! The log, `/readyz` and the metrics name the present cause of failures.

use futures_util::future::join_all;
use sqlx::PgPool;

use crate::support::database::{lock_table, until_disconnected};
use crate::support::http::REVIEW;
use crate::support::proxy::Proxy;
use crate::support::role::Role;
use crate::support::{Films, run, set, variables};

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

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_connection_limit_of_a_role_is_named(pool: PgPool) {
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    let role = Role::create(&pool, "limited", "connection limit 2").await;
    role.grant().await;
    let mut variables = role.variables();
    variables.extend(set(&[("FILMS__DATABASE__MAX_BATCH_SIZE", "1")]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    // Each request needs a connection of its own until the lock is released.
    let lock = lock_table(&pool, "film").await;
    let requests = join_all((0..6).map(|_| films.get("/films/995/")));
    let watch = async {
        let report = films.until_readiness(|report| report.json()["failing"]["get_film"].is_string()).await;
        lock.rollback().await.unwrap();
        report.json()["failing"]["get_film"].as_str().unwrap().to_owned()
    };
    let (responses, cause) = tokio::join!(requests, watch);
    assert!(cause.contains("too many connections for role"), "{cause}");
    let served = responses.iter().filter(|response| response.status == 200).count();
    assert!(served >= 1, "{responses:?}");
    drop(films);
    until_disconnected(&pool).await;
    role.drop().await;
}

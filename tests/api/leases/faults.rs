//! Leases when something stops, breaks, changes or is switched off. Every read is as fresh as a query.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Executor as _, PgPool, Row as _};

use super::leasing::{LENGTH, PATH, leasing, set_title, title, until_leased};
use super::observer::{leased, prepare};
use crate::support::{Films, until};

const HALF_SECOND: Duration = Duration::from_millis(500);

fn process(films: &Films) -> i32 {
    films.pid().try_into().unwrap()
}

/// Returns the backends that serve instances.
async fn backends(pool: &PgPool) -> Vec<i32> {
    let rows = sqlx::query(
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'films'",
    );
    rows.fetch_all(pool).await.unwrap().iter().map(|row| row.get(0)).collect()
}

fn signal(process: i32, signal: Signal) {
    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stopped_instance_does_not_use_its_old_lease(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    for number in 1..4 {
        until_leased(&films).await;
        signal(process(&films), Signal::STOP);
        set_title(&pool, number).await;
        signal(process(&films), Signal::CONT);
        assert_eq!(title(&films).await, number.to_string());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_change_waits_for_leases_while_backends_stand_still(pool: PgPool) {
    let films = leasing(&pool, &[("FILMS__DATABASE__QUERY_TIMEOUT", "2s")]).await;
    let stopped = backends(&pool).await;
    for process in &stopped {
        signal(*process, Signal::STOP);
    }
    let since = Instant::now();
    set_title(&pool, 1).await;
    assert!(since.elapsed() >= HALF_SECOND, "{:?}", since.elapsed());
    let during = films.get(PATH).await;
    for process in &stopped {
        signal(*process, Signal::CONT);
    }
    assert!(during.status == 503 || during.json()["title"] == "1", "{during:?}");
    films.until_status(PATH, 200).await;
    assert_eq!(title(&films).await, "1");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_lease_outlives_its_backend_and_holds(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    for number in 1..4 {
        until_leased(&films).await;
        let ended = "select pg_terminate_backend(pid) from pg_stat_activity
                     where datname = current_database() and application_name = 'films'";
        pool.execute(ended).await.unwrap();
        let before = leased(&films).await;
        let read = title(&films).await;
        assert_eq!(read, (number - 1).to_string());
        set_title(&pool, number).await;
        assert_eq!(title(&films).await, number.to_string(), "{before} were leased");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_new_length_waits_for_leases_of_the_old_one(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let since = Instant::now();
    pool.execute("update film_catalogue set lease = '1 millisecond'").await.unwrap();
    assert!(since.elapsed() >= HALF_SECOND, "{:?}", since.elapsed());
    // On a busy machine, a change may take that long by itself.
    until("a change that does not wait for the old length", async || {
        let since = Instant::now();
        set_title(&pool, 1).await;
        let elapsed = since.elapsed();
        assert_eq!(title(&films).await, "1");
        if elapsed < HALF_SECOND { Ok(()) } else { Err(elapsed) }
    })
    .await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_film_that_changes_together_with_the_length_is_read_at_once(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let both = "begin; update film_catalogue set lease = '1 millisecond';
                update film set title = '1' where film_id = 1; commit";
    sqlx::raw_sql(both).execute(&pool).await.unwrap();
    assert_eq!(title(&films).await, "1");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_version_cannot_be_changed_by_hand_without_the_wait(pool: PgPool) {
    let _films = leasing(&pool, &[]).await;
    for statement in [
        "update film_catalogue set version = gen_random_uuid()",
        "with gone as (delete from film_catalogue returning lease) select lease from gone",
        "insert into film_catalogue (lease) values ('500 milliseconds')",
        "update film set title = title where film_id < 100",
        "truncate film cascade",
    ] {
        let since = Instant::now();
        pool.execute(statement).await.unwrap();
        // An empty table has no length.
        let expected = if statement.starts_with("insert") { Duration::ZERO } else { HALF_SECOND };
        assert!(since.elapsed() >= expected, "{statement}: {:?}", since.elapsed());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_bulk_load_waits_once(pool: PgPool) {
    prepare(&pool).await;
    pool.execute("update film_catalogue set lease = '200 milliseconds'").await.unwrap();
    let since = Instant::now();
    pool.execute("insert into film (film_id, title, release_year) select id, 'x', 2006 from generate_series(2001, 3000) id")
        .await
        .unwrap();
    assert!(since.elapsed() < Duration::from_millis(200) * 20, "{:?}", since.elapsed());
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_a_trigger_there_is_no_lease(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    for (disable, enable) in [
        (
            "alter table film disable trigger film_changed",
            "alter table film enable always trigger film_changed",
        ),
        (
            "alter table film_catalogue disable trigger await_leases",
            "alter table film_catalogue enable always trigger await_leases",
        ),
    ] {
        pool.execute(disable).await.unwrap();
        films.until_readiness(|response| response.json()["database"] == "untracked").await;
        let before = leased(&films).await;
        for _ in 0..20 {
            films.get(PATH).await;
        }
        assert_eq!(leased(&films).await, before, "{disable}");
        pool.execute(enable).await.unwrap();
        films.until_ready().await;
        until_leased(&films).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn leases_can_be_switched_off(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    pool.execute("update film_catalogue set lease = '0'").await.unwrap();
    films.get(PATH).await;
    let before = leased(&films).await;
    for _ in 0..20 {
        films.get(PATH).await;
    }
    assert_eq!(leased(&films).await, before);
    let metrics = films.admin("/metrics").await.body;
    assert!(metrics.contains(r#"outcome="off""#), "{metrics}");

    let without = Films::start_with(&pool, &[("FILMS__DATABASE__LEASES", "false")]).await;
    pool.execute(LENGTH).await.unwrap();
    for _ in 0..20 {
        without.get(PATH).await;
    }
    assert_eq!(leased(&without).await, 0);
}

//! Postgres ends as in a crash, and starts again, while an instance holds a lease.

use sqlx::{Executor as _, PgPool};

use super::leasing::{PATH, leasing, set_title, until_leased, until_refused};
use super::server::Server;
use crate::support::{Films, run, until, variables};

/// The longest that the schema allows: a lease that outlives the restart.
const SECOND: &str = "update film_catalogue set lease = '1 second'";
const MILLISECOND: &str = "update film_catalogue set lease = '1 millisecond'";

/// Starts a server with the schema.
async fn migrated(shared: &PgPool) -> Option<(Server, PgPool)> {
    let server = Server::start(shared).await?;
    let pool = server.pool("postgres");
    let migrated = run(&variables(&pool), &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    Some((server, pool))
}

/// Reads until Postgres can be reached again.
async fn title(films: &Films) -> String {
    until("a film", async || match films.get(PATH).await {
        response if response.status == 200 => Ok(response.json()["title"].as_str().unwrap().to_owned()),
        response => Err(response),
    })
    .await
}

#[sqlx::test(migrations = false)]
async fn a_lease_outlives_a_restart_and_a_shorter_length(shared: PgPool) {
    let Some((mut server, pool)) = migrated(&shared).await else { return };
    let films = leasing(&pool, &[]).await;
    for number in 1..4 {
        pool.execute(MILLISECOND).await.unwrap();
        pool.execute(SECOND).await.unwrap();
        // No lease of another length is valid, so this one is new.
        until_leased(&films).await;
        server.restart().await;
        pool.execute(MILLISECOND).await.unwrap();
        set_title(&pool, number).await;
        assert_eq!(title(&films).await, number.to_string());
        films.until_ready().await;
    }
}

#[sqlx::test(migrations = false)]
async fn a_prepared_change_refuses_leases_after_a_restart_too(shared: PgPool) {
    let Some((mut server, pool)) = migrated(&shared).await else { return };
    let films = leasing(&pool, &[]).await;
    sqlx::raw_sql("begin; update film set title = '1' where film_id = 1; prepare transaction 'forgotten'")
        .execute(&pool)
        .await
        .unwrap();
    until_refused(&films, "locked").await;
    server.restart().await;
    films.until_ready().await;
    until_refused(&films, "locked").await;
    assert_eq!(title(&films).await, "0");
    pool.execute("commit prepared 'forgotten'").await.unwrap();
    assert_eq!(title(&films).await, "1");
    until_leased(&films).await;
    set_title(&pool, 2).await;
    assert_eq!(title(&films).await, "2");
}

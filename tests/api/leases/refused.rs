//! No lease is granted where a change could go unnoticed, and where somebody holds the lock.

use sqlx::{AssertSqlSafe, Executor as _, PgPool};

use super::leasing::{LENGTH, film_lease, leasing, outcomes, set_title, title, until_leased, until_refused};
use super::observer::{leased, prepare};
use super::server::Server;
use crate::support::{Films, run, until, variables};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn no_lease_is_granted_outside_of_read_committed(pool: PgPool) {
    let version: String =
        sqlx::query_scalar("select version::text from film_catalogue").fetch_one(&pool).await.unwrap();
    for (begin, refusal) in [
        ("begin isolation level read committed", None),
        ("begin isolation level repeatable read", Some("isolation")),
        ("begin isolation level serializable", Some("isolation")),
        ("begin isolation level serializable read only deferrable", Some("isolation")),
    ] {
        let expected = (version.clone(), refusal.map(str::to_owned));
        assert_eq!(film_lease(&pool, begin).await, expected, "{begin}");
    }
    // The default of all sessions of an instance.
    let name = pool.connect_options().get_database().unwrap().to_owned();
    let default = format!("alter database \"{name}\" set default_transaction_isolation = 'repeatable read'");
    pool.execute(AssertSqlSafe(default)).await.unwrap();
    let films = Films::start(&pool).await;
    until_refused(&films, "isolation").await;
    assert_eq!(leased(&films).await, 0);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_instance_with_a_replica_or_a_pooler_uses_no_lease(pool: PgPool) {
    prepare(&pool).await;
    pool.execute(LENGTH).await.unwrap();
    let url = variables(&pool)["DATABASE_URL"].clone();
    for setting in
        [("FILMS__DATABASE__READ_URL", url.as_str()), ("FILMS__DATABASE__PREPARED_STATEMENTS", "false")]
    {
        let films = Films::start_with(&pool, &[setting]).await;
        for _ in 0..20 {
            assert_eq!(title(&films).await, "0");
        }
        assert_eq!((leased(&films).await, outcomes(&films, "granted").await), (0, 0), "{setting:?}");
    }
}

#[sqlx::test(migrations = false)]
async fn a_standby_grants_no_lease_until_it_is_promoted(shared: PgPool) {
    let Some(mut primary) = Server::start(&shared).await else { return };
    let pool = primary.pool("postgres");
    assert_eq!(run(&variables(&pool), &["migrate"]).await.code, Some(0));
    let _films = leasing(&pool, &[]).await;
    let standby = primary.standby().await;
    let copy = standby.pool("postgres");
    let (_, refusal) = film_lease(&copy, "begin").await;
    assert_eq!(refusal.as_deref(), Some("standby"));

    let films = Films::spawn(&variables(&copy)).await;
    films.until_ready().await;
    until_refused(&films, "standby").await;
    for number in 1..4 {
        set_title(&pool, number).await;
        until("the change at the standby", async || {
            let number = number.to_string();
            let found: String = sqlx::query_scalar("select title from film where film_id = 1")
                .fetch_one(&copy)
                .await
                .unwrap();
            if found == number { Ok(()) } else { Err(found) }
        })
        .await;
        assert_eq!(title(&films).await, number.to_string());
    }
    assert_eq!((leased(&films).await, outcomes(&films, "granted").await), (0, 0));

    drop(primary);
    copy.execute("select pg_promote()").await.unwrap();
    until_leased(&films).await;
    set_title(&copy, 4).await;
    assert_eq!(title(&films).await, "4");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_forgotten_prepared_transaction_refuses_leases(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let database = pool.connect_options().get_database().unwrap().to_owned();
    let prepare =
        format!("begin; update film set title = '1' where film_id = 1; prepare transaction '{database}'");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&pool).await.unwrap();
    until_refused(&films, "locked").await;
    assert_eq!(title(&films).await, "0");
    pool.execute(AssertSqlSafe(format!("rollback prepared '{database}'"))).await.unwrap();
    until_leased(&films).await;
    assert_eq!(title(&films).await, "0");
}

#[sqlx::test(migrations = false)]
async fn schemas_of_one_database_do_not_share_the_lock(pool: PgPool) {
    let mut instances = Vec::new();
    let mut pools = Vec::new();
    for schema in ["one", "two"] {
        pool.execute(AssertSqlSafe(format!("create schema {schema}"))).await.unwrap();
        // The options of a pool are not part of its URL.
        let options = (*pool.connect_options()).clone().options([("search_path", schema)]);
        let mut variables = variables(&pool);
        let url = format!("{}&options[search_path]={schema}", variables["DATABASE_URL"]);
        variables.insert("DATABASE_URL".to_owned(), url.clone());
        let migrated = run(&variables, &["migrate"]).await;
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
        let pool = PgPool::connect_lazy_with(options);
        instances.push(leasing(&pool, &[("DATABASE_URL", &url)]).await);
        pools.push(pool);
    }
    let mut open = pools[0].begin().await.unwrap();
    sqlx::raw_sql("set constraints all immediate; update film set title = '1' where film_id = 1")
        .execute(&mut *open)
        .await
        .unwrap();
    until_refused(&instances[0], "locked").await;
    until_leased(&instances[1]).await;

    // Also in a session that has called the functions of both.
    let mut session = pool.acquire().await.unwrap();
    for (schema, refusal) in [("one", Some("locked")), ("two", None)].into_iter().cycle().take(6) {
        session.execute(AssertSqlSafe(format!("set search_path = {schema}"))).await.unwrap();
        // The instance may hold the lock at this moment.
        until(schema, async || {
            let found: Option<String> = sqlx::query_scalar("select refusal from film_lease()")
                .persistent(false)
                .fetch_one(&mut *session)
                .await
                .unwrap();
            if found.as_deref() == refusal { Ok(()) } else { Err(found) }
        })
        .await;
    }
    open.commit().await.unwrap();
    assert_eq!(title(&instances[0]).await, "1");
    until_leased(&instances[0]).await;
}

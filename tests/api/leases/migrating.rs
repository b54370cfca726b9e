//! The migration that adds leases, while films change, and while the release before serves too.

use std::time::{Duration, Instant};

use films::db::MIGRATOR;
use sqlx::{Executor as _, PgConnection, PgPool, Row as _};

use super::leasing::{LENGTH, title, until_leased};
use super::observer::{observe, prepare};
use super::writers::HABITS;
use crate::support::database::until_blocked;
use crate::support::{Films, run, until, variables};

/// The last migration before leases.
const BEFORE: i64 = 3;
const LEASED: u64 = 20;

/// Applies the migrations before leases, and inserts films.
async fn prepare_before(pool: &PgPool) {
    MIGRATOR.run_to(BEFORE, pool).await.unwrap();
    prepare(pool).await;
}

async fn migrate(pool: &PgPool) {
    let migrated = run(&variables(pool), &["migrate", "--lock-timeout", "30s"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    assert!(migrated.stdout.contains(r#""applied":3"#), "{migrated:?}");
}

#[sqlx::test(migrations = false)]
async fn no_read_is_stale_while_writers_meet_the_migration(pool: PgPool) {
    prepare_before(&pool).await;
    let variables = variables(&pool);
    let instances = [Films::spawn(&variables).await, Films::spawn(&variables).await];
    let migrate = async {
        until("each writer has used the old trigger", async || {
            let titles = "select min(title::integer) from film where film_id <= $1";
            let titles = sqlx::query_scalar(titles).bind(i32::try_from(HABITS.len()).unwrap());
            let lowest: i32 = titles.fetch_one(&pool).await.unwrap();
            if lowest > 1 { Ok(()) } else { Err(lowest) }
        })
        .await;
        migrate(&pool).await;
    };
    let (stale, ()) = tokio::join!(observe(&pool, &instances, |_, leased| leased > LEASED), migrate);
    assert_eq!(stale, None);
}

#[sqlx::test(migrations = false)]
async fn changes_that_are_under_way_end_before_the_migration(pool: PgPool) {
    prepare_before(&pool).await;
    let films = Films::spawn(&variables(&pool)).await;
    // The trigger of this change has not run yet.
    let mut open = pool.begin().await.unwrap();
    open.execute("update film set title = '1' where film_id = 1").await.unwrap();
    let commit = async {
        until_blocked(&pool).await;
        open.commit().await.unwrap();
    };
    tokio::join!(migrate(&pool), commit);
    pool.execute(LENGTH).await.unwrap();
    films.until_ready().await;
    until_leased(&films).await;
    assert_eq!(title(&films).await, "1");
}

#[sqlx::test(migrations = false)]
async fn a_transaction_from_before_the_migration_waits_if_it_changes_a_film_afterwards(pool: PgPool) {
    prepare_before(&pool).await;
    let films = Films::spawn(&variables(&pool)).await;
    let mut session = pool.acquire().await.unwrap();
    // This session has a plan of the old trigger.
    session.execute("update film set title = '1' where film_id = 1").await.unwrap();
    session.execute("begin").await.unwrap();
    session.execute("select from film where film_id = 1").await.unwrap();
    migrate(&pool).await;
    pool.execute(LENGTH).await.unwrap();
    films.until_ready().await;
    until_leased(&films).await;
    session.execute("update film set title = '2' where film_id = 1").await.unwrap();
    let since = Instant::now();
    session.execute("commit").await.unwrap();
    assert!(since.elapsed() >= Duration::from_millis(500), "{:?}", since.elapsed());
    assert_eq!(title(&films).await, "2");
}

/// The check of the database by the release before leases.
const CHECK: &str = "select exists (select from film_catalogue),
      (select count(*) from pg_trigger
       where tgrelid = to_regclass('film') and tgname in ('film_changed', 'film_truncated')
         and tgenabled in ('A', 'O')),
      current_setting('transaction_read_only')::boolean,
      coalesce(has_function_privilege(to_regprocedure('lock_films(integer[])'), 'execute'), false)";
/// How it stores reviews: first without, then with a look at locks.
const REVIEWS: [&str; 2] = [
    "with submitted as (
       select * from unnest($1::int4[], $2::int4[]) with ordinality as submitted (film_id, rating, position)
     ), accepted as (
       select submitted.* from submitted join film using (film_id)
     ), inserted as (
       insert into review (film_id, rating) select film_id, rating from accepted order by position
     ), limited as materialized (
       select set_config('lock_timeout', '25ms', true)
     )
     select position, true as stored from accepted, limited",
    "with submitted as (
       select * from unnest($1::int4[], $2::int4[]) with ordinality as submitted (film_id, rating, position)
     ), accepted as (
       select submitted.*, free is not null as stored
       from submitted join film using (film_id) left join lock_films($1) free on free = film_id
     ), inserted as (
       insert into review (film_id, rating) select film_id, rating from accepted where stored order by position
     )
     select position, stored from accepted",
];

/// Reads film 1 as the release before leases does. Returns the version from a query of its own, the version
/// that comes with the film, and the title.
async fn read_as_before(session: &mut PgConnection) -> (String, String, String) {
    let current: String = sqlx::query_scalar("select version::text from film_catalogue")
        .fetch_one(&mut *session)
        .await
        .unwrap();
    let film = "select version::text, title, film_id, release_year
                from film_catalogue left join film on film_id = any($1)";
    let row = sqlx::query(film).bind([1]).fetch_one(session).await.unwrap();
    (current, row.get(0), row.get(1))
}

#[sqlx::test(migrations = false)]
async fn the_statements_of_the_release_before_work_on_the_new_schema(pool: PgPool) {
    prepare_before(&pool).await;
    // Its session is open, and its statements are prepared, before the migration.
    let mut session = pool.acquire().await.unwrap();
    let (mut last, _, _) = read_as_before(&mut session).await;
    migrate(&pool).await;
    let films = Films::start(&pool).await;
    pool.execute(LENGTH).await.unwrap();
    for number in ["1", "2", "3"] {
        until_leased(&films).await;
        let check: (bool, i64, bool, bool) = sqlx::query_as(CHECK).fetch_one(&mut *session).await.unwrap();
        assert_eq!(check, (true, 2, false, true));
        let change = sqlx::query("update film set title = $1 where film_id = 1").bind(number);
        change.execute(&pool).await.unwrap();
        let (current, version, found) = read_as_before(&mut session).await;
        assert_eq!((&current, found.as_str()), (&version, number));
        assert_ne!(version, last);
        assert_eq!(title(&films).await, number);
        last = version;
        for insert in REVIEWS {
            let insert = sqlx::query(insert).bind([1, 9_999]).bind([4, 5]);
            let stored: Vec<(i64, bool)> = insert
                .fetch_all(&mut *session)
                .await
                .unwrap()
                .iter()
                .map(|row| (row.get(0), row.get(1)))
                .collect();
            assert_eq!(stored, [(1, true)]);
        }
    }
}

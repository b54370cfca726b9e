//! Whatever changes films, whoever does it, and what it does not cost them.

use std::time::Duration;

use futures_util::future::{join_all, try_join};
use sqlx::{AssertSqlSafe, Connection as _, PgPool};
use tokio::time::sleep;

use super::{PATHS, Reader, entitle, ten_films};
use crate::support::Films;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_film_comes_and_goes(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    films.get("/films/11/").await.problem(404, "no-such-film");
    let ten = films.get("/films/").await;

    sqlx::query("insert into film (film_id, title, release_year) values (11, 'New', 2026)")
        .execute(&pool)
        .await
        .unwrap();
    let eleven = films.get("/films/").await;
    assert_eq!(eleven.json()["11"]["title"], "New");
    assert_eq!(films.get("/films/11/").await.json()["title"], "New");

    sqlx::query("delete from film where film_id = 11").execute(&pool).await.unwrap();
    films.get("/films/11/").await.problem(404, "no-such-film");
    assert_eq!(films.get("/films/").await.body, ten.body);
    assert_ne!(films.get("/films/").await.header("etag"), eleven.header("etag"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_truncated_catalogue_is_empty(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let full = films.get("/films/").await;
    assert_eq!(films.get("/films/7/").await.status, 200);
    sqlx::query("truncate film cascade").execute(&pool).await.unwrap();
    let empty = films.get("/films/").await;
    assert_eq!(empty.body, "{}");
    assert_ne!(empty.header("etag"), full.header("etag"));
    films.get("/films/7/").await.problem(404, "no-such-film");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn what_was_rolled_back_never_was(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    let mut writer = pool.begin().await.unwrap();
    for path in PATHS {
        let before = reader.read(path).await;
        entitle(&mut writer, 7, 1).await.unwrap();
        assert_eq!(reader.read(path).await, before, "before the commit of {path}");
    }
    writer.rollback().await.unwrap();
    for path in PATHS {
        assert_eq!(reader.read(path).await.number(), 0, "{path}");
    }
}

/// The version's row is written by the first of them, and the second must not count on it.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn half_a_transaction_rolled_back_leaves_the_other_half(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    for path in PATHS {
        let before = reader.read(path).await;
        let mut writer = pool.begin().await.unwrap();
        sqlx::query("set constraints all immediate").execute(&mut *writer).await.unwrap();
        let mut inner = writer.begin().await.unwrap();
        entitle(&mut inner, 7, 1).await.unwrap();
        inner.rollback().await.unwrap();
        entitle(&mut writer, 7, before.number() + 2).await.unwrap();
        writer.commit().await.unwrap();
        let after = reader.reread(path, Some(&before)).await;
        assert_eq!(after.number(), before.number() + 2, "{path}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn rights_on_films_suffice_to_change_them(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    reader.read(PATHS[0]).await;
    // Roles belong to the server, which other tests use too.
    let role: String =
        sqlx::query_scalar("select 'editor_' || md5(current_database())").fetch_one(&pool).await.unwrap();
    let mut editor = pool.acquire().await.unwrap();
    for statement in ["create role {}", "grant select, update on film to {}", "set role {}"] {
        let statement = AssertSqlSafe(statement.replace("{}", &role));
        sqlx::query(statement).execute(&mut *editor).await.unwrap();
    }
    let denied = sqlx::query("update film_catalogue set version = version").execute(&mut *editor).await;
    assert!(denied.is_err(), "the role may do more than it is to");
    let edited = entitle(&mut editor, 7, 1).await;
    for statement in ["reset role", "drop owned by {}", "drop role {}"] {
        let statement = AssertSqlSafe(statement.replace("{}", &role));
        sqlx::query(statement).execute(&mut *editor).await.unwrap();
    }
    edited.unwrap();
    assert_eq!(reader.read(PATHS[0]).await.number(), 1);
}

/// Neither film is locked by both in another order: only a version that is written too soon is.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn two_writers_do_not_deadlock_over_the_version(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let (mut one, mut other) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    let long = async {
        entitle(&mut one, 7, 1).await?;
        sleep(Duration::from_millis(400)).await;
        // Waits for the other's commit, and so has the last word.
        entitle(&mut one, 8, 1).await?;
        one.commit().await
    };
    let short = async {
        sleep(Duration::from_millis(200)).await;
        entitle(&mut other, 8, 2).await?;
        sleep(Duration::from_millis(400)).await;
        other.commit().await
    };
    try_join(long, short).await.unwrap();
    let list = films.get("/films/").await.json();
    assert_eq!((&list["7"]["title"], &list["8"]["title"]), (&"1".into(), &"1".into()));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn many_writers_at_once_all_come_through(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    // Each has two films of its own.
    let writers = (0..5).map(async |nth| {
        let mut writer = pool.acquire().await?;
        for number in 1..=100 {
            let mut transaction = writer.begin().await?;
            entitle(&mut transaction, nth * 2 + 1, number).await?;
            entitle(&mut transaction, nth * 2 + 2, number).await?;
            transaction.commit().await?;
        }
        Ok::<_, sqlx::Error>(())
    });
    for written in join_all(writers).await {
        written.unwrap();
    }
    let list = films.get("/films/").await.json();
    assert!(list.as_object().unwrap().values().all(|film| film["title"] == "100"), "{list}");
}

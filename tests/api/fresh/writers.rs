//! Every kind of change is seen, whoever makes it, and writers do not hinder each other.

use futures_util::future::{join_all, try_join};
use sqlx::{AssertSqlSafe, Connection as _, PgPool};

use super::catalogue::{PATHS, set_title, ten_films};
use super::reader::Reader;
use crate::support::Films;
use crate::support::database::until_blocked;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_inserted_film_appears_and_a_deleted_one_disappears(pool: PgPool) {
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
async fn a_rolled_back_change_is_never_seen(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    let mut writer = pool.begin().await.unwrap();
    for path in PATHS {
        let before = reader.read(path).await;
        set_title(&mut writer, 7, 1).await.unwrap();
        assert_eq!(reader.read(path).await, before, "before the commit of {path}");
    }
    writer.rollback().await.unwrap();
    for path in PATHS {
        assert_eq!(reader.read(path).await.number(), 0, "{path}");
    }
}

/// The first change writes the version's row. After its rollback the second change must write it again.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_rolled_back_savepoint_does_not_hide_later_changes(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    for path in PATHS {
        let before = reader.read(path).await;
        let mut writer = pool.begin().await.unwrap();
        sqlx::query("set constraints all immediate").execute(&mut *writer).await.unwrap();
        let mut inner = writer.begin().await.unwrap();
        set_title(&mut inner, 7, 1).await.unwrap();
        inner.rollback().await.unwrap();
        set_title(&mut writer, 7, before.number() + 2).await.unwrap();
        writer.commit().await.unwrap();
        let after = reader.reread(path, Some(&before)).await;
        assert_eq!(after.number(), before.number() + 2, "{path}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_role_needs_no_rights_on_the_version(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let reader = Reader::new(&films);
    reader.read(PATHS[0]).await;
    // Roles belong to the whole server, so the name must differ from those of other tests.
    let role: String =
        sqlx::query_scalar("select 'editor_' || md5(current_database())").fetch_one(&pool).await.unwrap();
    let mut editor = pool.acquire().await.unwrap();
    for statement in ["create role {}", "grant select, update on film to {}", "set role {}"] {
        let statement = AssertSqlSafe(statement.replace("{}", &role));
        sqlx::query(statement).execute(&mut *editor).await.unwrap();
    }
    let denied = sqlx::query("update film_catalogue set version = version").execute(&mut *editor).await;
    assert!(denied.is_err(), "the role has rights on the version");
    let edited = set_title(&mut editor, 7, 1).await;
    for statement in ["reset role", "drop owned by {}", "drop role {}"] {
        let statement = AssertSqlSafe(statement.replace("{}", &role));
        sqlx::query(statement).execute(&mut *editor).await.unwrap();
    }
    edited.unwrap();
    assert_eq!(reader.read(PATHS[0]).await.number(), 1);
}

/// The two writers lock the films in an order without a deadlock. They would deadlock over the version's
/// row if it were written before the commit.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn two_writers_do_not_deadlock(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    let (mut first, mut second) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    set_title(&mut first, 7, 1).await.unwrap();
    set_title(&mut second, 8, 2).await.unwrap();
    let first = async {
        // Waits for the second writer's commit, so the first one writes last.
        set_title(&mut first, 8, 1).await?;
        first.commit().await
    };
    let second = async {
        until_blocked(&pool).await;
        second.commit().await
    };
    try_join(first, second).await.unwrap();
    let list = films.get("/films/").await.json();
    assert_eq!((&list["7"]["title"], &list["8"]["title"]), (&"1".into(), &"1".into()));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn concurrent_writers_all_commit(pool: PgPool) {
    ten_films(&pool).await;
    let films = Films::start(&pool).await;
    // Each writer changes two films that no other writer changes.
    let writers = (0..5).map(async |nth| {
        let mut writer = pool.acquire().await?;
        for number in 1..=100 {
            let mut transaction = writer.begin().await?;
            set_title(&mut transaction, nth * 2 + 1, number).await?;
            set_title(&mut transaction, nth * 2 + 2, number).await?;
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

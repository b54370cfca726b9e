//! Tables that the queries cannot use make the instance unready, and `/readyz` says what is missing.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::role::Role;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_missing_column_table_type_function_or_row_is_named(pool: PgPool) {
    let films = Films::start(&pool).await;
    for (breakage, repair, obstacle) in [
        (
            "alter table film rename column release_year to year",
            "alter table film rename column year to release_year",
            "the table film has no column release_year",
        ),
        (
            "alter table review rename to reviews",
            "alter table reviews rename to review",
            "the table review does not exist",
        ),
        (
            "alter table film alter column film_id type bigint",
            "alter table film alter column film_id type integer",
            "the column film.film_id is of type bigint, expected integer",
        ),
        (
            "alter function lock_films(integer[]) rename to lock_no_films",
            "alter function lock_no_films(integer[]) rename to lock_films",
            "the role cannot execute the function lock_films(integer[])",
        ),
        (
            "delete from film_catalogue",
            "insert into film_catalogue default values",
            "the table film_catalogue has no row",
        ),
    ] {
        sqlx::query(breakage).execute(&pool).await.unwrap();
        let report = films.until_readiness(|response| response.json()["database"] == "unusable").await;
        assert_eq!(report.status, 503, "{breakage}");
        let reason = report.json()["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(obstacle), "{breakage}: {reason}");
        films
            .until_logged(|line| line["obstacle"].as_str().is_some_and(|text| text.contains(obstacle)))
            .await;
        sqlx::query(repair).execute(&pool).await.unwrap();
        films.until_ready().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_missing_privilege_is_named(pool: PgPool) {
    let role = Role::create(&pool, "reader", "").await;
    role.grant().await;
    role.run("revoke insert on review from {role}").await;
    let variables = role.variables();
    let films = Films::spawn(&variables).await;
    let report = films.until_readiness(|response| response.json()["database"] == "unusable").await;
    let reason = report.json()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("lacks the privilege INSERT on review.film_id"), "{reason}");

    role.run("grant insert on review to {role}").await;
    films.until_ready().await;
    films.until_posted(422).await;
    drop(films);
    role.drop().await;
}

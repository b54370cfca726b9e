//! The filters of the list.

use sqlx::{Executor as _, PgPool};

use crate::support::Films;

/// Inserts films of known years and titles, one without a year.
async fn prepare(pool: &PgPool) {
    let films = "insert into film (film_id, title, release_year) values
        (1, 'Alien', 1979), (2, 'Aliens', 1986), (3, 'Alien 3', 1992), (4, '100% Wolf', 2020),
        (5, 'Ägypten', 2001), (6, 'alien covenant', 2017), (7, 'Ali & Nino', null)";
    pool.execute(films).await.unwrap();
}

/// Returns the ids of the films that a query selects.
async fn ids(films: &Films, query: &str) -> Vec<i32> {
    let response = films.get(&format!("/films/?{query}")).await;
    assert_eq!(response.status, 200, "{query}: {response:?}");
    let mut ids: Vec<i32> =
        response.json().as_object().unwrap().keys().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn films_meet_every_condition(pool: PgPool) {
    prepare(&pool).await;
    let films = Films::start_with(&pool, &[]).await;
    for (query, expected) in [
        ("", &[4, 5, 6][..]),
        ("year.gt=1986", &[3, 4, 5, 6]),
        ("year.gte=1986", &[2, 3, 4, 5, 6]),
        ("year.lt=1986", &[1]),
        ("year.lte=1986", &[1, 2]),
        ("year.gte=1980&year.lt=1993", &[2, 3]),
        ("year.gt=1979&year.gte=1900&year.lte=1992&year.lt=2500", &[2, 3]),
        ("year.gt=2000&year.lt=1990", &[]),
        ("year.gt=2147483647", &[]),
        ("year.lt=-2147483648", &[]),
        ("title.prefix=Ali", &[1, 2, 3, 7]),
        ("title.prefix=Alien&year.lt=1990", &[1, 2]),
        ("title.prefix=Alien+3", &[3]),
        ("title.prefix=100%25", &[4]),
        ("title.prefix=%C3%84", &[5]),
        ("title.prefix=Ali%20%26", &[7]),
        ("title.prefix=_", &[]),
        ("title.prefix=%25", &[]),
    ] {
        assert_eq!(ids(&films, query).await, expected, "{query}");
    }
    let longest = "x".repeat(100);
    assert!(ids(&films, &format!("title.prefix={longest}")).await.is_empty());
    films.get(&format!("/films/?title.prefix={longest}x")).await.problem(400, "invalid-query");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_next_page_has_the_same_filters(pool: PgPool) {
    prepare(&pool).await;
    let films = Films::start_with(&pool, &[]).await;
    for (query, expected) in [
        ("year.gte=1979&year.lt=1993&limit=1", &[1, 2, 3][..]),
        ("year.gt=1900&year.lte=1992&limit=2", &[1, 2, 3]),
        ("title.prefix=Ali&limit=3", &[1, 2, 3, 7]),
        ("title.prefix=%C3%84&limit=1", &[5]),
        ("title.prefix=Ali%20%26&limit=1", &[7]),
        ("limit=1", &[4, 5, 6]),
    ] {
        let (mut path, mut found) = (format!("/films/?{query}"), Vec::new());
        while !path.is_empty() {
            let page = films.get(&path).await;
            found.extend(page.json().as_object().unwrap().keys().map(|id| id.parse::<i32>().unwrap()));
            let link = page.header("link").trim_start_matches('<');
            path = link.trim_end_matches(">; rel=\"next\"").to_owned();
        }
        assert_eq!(found, expected, "{query}");
    }
}

//! A small catalogue, in which the title of a film is a number that grows.

use sqlx::PgPool;
use sqlx::postgres::PgConnection;

/// Paths of all kinds of responses that contain film 7.
pub(super) const PATHS: [&str; 4] =
    ["/films/7/", "/films/", "/films/?limit=3&after=5", "/films/?year.gt=1999&limit=100"];

/// Inserts ten films with the title 0. Lists of ten films are cheap enough to be read thousands of times.
pub(super) async fn ten_films(pool: &PgPool) {
    sqlx::query(
        "insert into film (film_id, title, release_year) select id, '0', 2006 from generate_series(1, 10) id",
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Makes a number the title of a film, in the connection's transaction if there is one.
pub(super) async fn set_title(
    connection: &mut PgConnection,
    film_id: i32,
    number: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("update film set title = $2 where film_id = $1")
        .bind(film_id)
        .bind(number.to_string())
        .execute(connection)
        .await
        .map(|_| ())
}

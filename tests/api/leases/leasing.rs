//! An instance that holds a lease of half a second, so that a stale read would be seen.

use sqlx::{Executor as _, PgPool};

use super::observer::{leased, prepare};
use crate::support::{Films, until};

/// Sets the length. It is long enough that a stale read would be seen, and a wait of this length measured.
pub(super) const LENGTH: &str = "update film_catalogue set lease = '500 milliseconds'";
pub(super) const PATH: &str = "/films/1/";

/// Starts an instance that holds a lease of half a second, and has film 1 in memory.
pub(super) async fn leasing(pool: &PgPool, settings: &[(&str, &str)]) -> Films {
    prepare(pool).await;
    pool.execute(LENGTH).await.unwrap();
    let films = Films::start_with(pool, settings).await;
    until_leased(&films).await;
    films
}

/// Reads until a response has come from memory.
pub(super) async fn until_leased(films: &Films) {
    let before = leased(films).await;
    until("a response from memory", async || {
        films.get(PATH).await;
        match leased(films).await {
            count if count > before => Ok(()),
            count => Err(count),
        }
    })
    .await;
}

pub(super) async fn set_title(pool: &PgPool, number: u32) {
    let update = sqlx::query("update film set title = $1 where film_id = 1").bind(number.to_string());
    update.execute(pool).await.unwrap();
}

pub(super) async fn title(films: &Films) -> String {
    films.get(PATH).await.json()["title"].as_str().unwrap().to_owned()
}

/// Returns how many queries for a lease had this outcome.
pub(super) async fn outcomes(films: &Films, outcome: &str) -> u64 {
    let page = films.admin("/metrics").await;
    let label = format!("outcome=\"{outcome}\"");
    page.sample("films_leases_total", &[&label]).map_or(0, |count| count.parse().unwrap())
}

/// Reads until a lease has been refused for this reason. Checks that further reads do not come from memory.
pub(super) async fn until_refused(films: &Films, reason: &str) {
    // The lease from before may still be valid.
    let before = outcomes(films, reason).await;
    until("a refusal", async || {
        films.get(PATH).await;
        match outcomes(films, reason).await {
            count if count > before => Ok(()),
            count => Err(count),
        }
    })
    .await;
    let before = leased(films).await;
    for _ in 0..20 {
        films.get(PATH).await;
    }
    assert_eq!(leased(films).await, before, "{reason}");
}

/// Returns the version and the refusal of `film_lease()` in a new transaction that begins with this statement.
pub(super) async fn film_lease(pool: &PgPool, begin: &'static str) -> (String, Option<String>) {
    let mut transaction = pool.begin_with(begin).await.unwrap();
    let answer = sqlx::query_as("select version::text, refusal from film_lease()");
    answer.fetch_one(&mut *transaction).await.unwrap()
}

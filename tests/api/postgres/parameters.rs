//! The parameters of Postgres that the service sets for its queries.

use sqlx::PgPool;

use crate::support::http::REVIEW;
use crate::support::{Films, run, set, variables};

/// Records the parameters while a review is stored.
const RECORD: &str = "
    create table seen (jit text, statement_timeout text);
    create function record_parameters() returns trigger language plpgsql as $$ begin
        insert into seen values (current_setting('jit'), current_setting('statement_timeout'));
        return null;
    end $$;
    create trigger record after insert on review for each statement execute function record_parameters()";

/// Stores a review, and returns the parameters `jit` and `statement_timeout` of its statement. `options` are those
/// of the URL.
async fn parameters(pool: &PgPool, options: &str, prepared_statements: &str) -> (String, String) {
    let mut variables = variables(pool);
    let url = format!("{}&options={options}", variables["DATABASE_URL"]);
    variables.extend(set(&[
        ("DATABASE_URL", &url),
        ("FILMS__DATABASE__PREPARED_STATEMENTS", prepared_statements),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "3s"),
    ]));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    sqlx::query_as("delete from seen returning jit, statement_timeout").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn statements_end_by_themselves_and_are_not_compiled(pool: PgPool) {
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    sqlx::raw_sql(RECORD).execute(&pool).await.unwrap();
    let expected = ("off".to_owned(), "3s".to_owned());
    assert_eq!(parameters(&pool, "", "true").await, expected);
    assert_eq!(parameters(&pool, "", "false").await, expected);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn parameters_in_the_url_win(pool: PgPool) {
    assert_eq!(run(&variables(&pool), &["seed"]).await.code, Some(0));
    sqlx::raw_sql(RECORD).execute(&pool).await.unwrap();
    assert_eq!(parameters(&pool, "-c%20jit%3Don", "true").await, ("on".to_owned(), "3s".to_owned()));
    // Another parameter of a similar name is no choice.
    assert_eq!(
        parameters(&pool, "-c%20jit_above_cost%3D1", "true").await,
        ("off".to_owned(), "3s".to_owned())
    );
    let both = "-c%20jit%3Don%20-c%20statement_timeout%3D9s";
    assert_eq!(parameters(&pool, both, "true").await, ("on".to_owned(), "9s".to_owned()));
}

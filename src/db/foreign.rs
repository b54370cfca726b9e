//! Finds objects that `films` did not make and that a migration would take over.

use sqlx::postgres::PgConnection;

use super::schema::TABLES;

/// Returns which of the service's tables exist.
pub(super) async fn existing_tables(connection: &mut PgConnection) -> Result<Vec<&'static str>, sqlx::Error> {
    let tables: Vec<String> = TABLES.iter().map(|table| (*table).to_owned()).collect();
    let existing = sqlx::query_scalar!(
        r#"select tab as "tab!" from unnest($1::text[]) tab where to_regclass(tab) is not null"#,
        &tables
    )
    .fetch_all(connection)
    .await?;
    Ok(TABLES.iter().copied().filter(|table| existing.iter().any(|found| found == table)).collect())
}

/// Returns in words the first object that a missing migration would take over although `films` did not make it:
/// a table with other columns, or a function with another text. A restored database may have the objects of
/// `films` without the table of migrations.
pub(super) async fn first(
    connection: &mut PgConnection,
    missing: &[i64],
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select object as "object!" from (values
             (2, 'table film_catalogue', (
               select not (array_agg(attname::text) @> array['singleton', 'version']
                 and array_agg(attname::text) <@ array['lease', 'singleton', 'version'])
               from pg_attribute
               where attrelid = to_regclass('film_catalogue') and attnum > 0 and not attisdropped)),
             (2, 'function film_changed()', (
               select prosrc not like '%update film_catalogue set version%'
               from pg_proc where oid = to_regprocedure('film_changed()'))),
             (3, 'function lock_films(integer[])', (
               select prosrc not like '%for key share skip locked%'
               from pg_proc where oid = to_regprocedure('lock_films(integer[])'))),
             (4, 'function await_leases()', (
               select prosrc not like '%pg_advisory_xact_lock_shared(1718382963%'
               from pg_proc where oid = to_regprocedure('await_leases()'))),
             (4, 'function renew_version()', (
               select prosrc not like '%new.version := gen_random_uuid()%'
               from pg_proc where oid = to_regprocedure('renew_version()'))),
             (4, 'function film_lease()', (
               select prosrc not like '%pg_try_advisory_xact_lock(1718382963%'
               from pg_proc where oid = to_regprocedure('film_lease()'))),
             (5, 'table review_summary', (
               select not array_agg(attname::text) @> array['film_id', 'part', 'version', 'one', 'five']
               from pg_attribute
               where attrelid = to_regclass('review_summary') and attnum > 0 and not attisdropped)),
             (5, 'function reviews_changed()', (
               select prosrc not like '%update review_summary%'
               from pg_proc where oid = to_regprocedure('reviews_changed()'))),
             (5, 'function count_reviews()', (
               select prosrc not like '%insert into review_summary%'
               from pg_proc where oid = to_regprocedure('count_reviews()'))),
             (5, 'function prepare_reviews()', (
               select prosrc not like '%perform count_reviews%'
               from pg_proc where oid = to_regprocedure('prepare_reviews()'))),
             (6, 'table idempotency_key', (
               select not array_agg(attname::text) @> array['key', 'number', 'created_at', 'film_id', 'rating']
               from pg_attribute
               where attrelid = to_regclass('idempotency_key') and attnum > 0 and not attisdropped)),
             (6, 'function expire_idempotency_keys(interval, bigint)', (
               select prosrc not like '%delete from idempotency_key%'
               from pg_proc where oid = to_regprocedure('expire_idempotency_keys(interval, bigint)')))
           ) objects (migration, object, is_foreign)
           where migration::bigint = any($1) and is_foreign limit 1"#,
        missing
    )
    .fetch_optional(connection)
    .await
}

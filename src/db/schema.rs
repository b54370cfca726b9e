//! Finds what the queries need and the tables lack.

use sqlx::postgres::PgConnection;

/// The service's tables.
pub(super) const TABLES: &[&str] = &["film", "film_catalogue", "idempotency_key", "review", "review_summary"];

/// What the tables are used for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// Whether reviews are stored.
    pub(super) writes: bool,
    /// Whether the migrations have run, so that their columns are needed too.
    pub(super) migrated: bool,
}

/// Returns in words the first thing that is missing: a table, a column, its type, or a right of the
/// current role. Reads only the catalogue of Postgres, so a lock on a table does not hold it up.
///
/// A column may be of a domain over its type, as `release_year` is in the DVD-rental sample.
pub(super) async fn first_obstacle(
    connection: &mut PgConnection,
    tables: &[&str],
    purpose: Use,
) -> Result<Option<String>, sqlx::Error> {
    let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
    sqlx::query_scalar!(
        r#"with needed (place, tab, col, types, privilege, added) as (values
             (1, 'film', 'film_id', array['integer'], 'select', false),
             (2, 'film', 'release_year', array['integer'], 'select', false),
             (3, 'film', 'title', array['text', 'character varying', 'character'], 'select', false),
             (4, 'film_catalogue', 'version', array['uuid'], 'select', false),
             (5, 'review', 'film_id', null, 'insert', false),
             (6, 'review', 'rating', null, 'insert', false),
             (7, 'review', 'film_id', array['integer', 'smallint', 'bigint'], 'select', true),
             (8, 'review', 'rating', array['integer', 'smallint', 'bigint', 'numeric'], 'select', true),
             (9, 'review', 'review_id', array['bigint', 'integer'], 'select', true),
             (10, 'review', 'created_at', array['timestamp with time zone'], 'select', true),
             (11, 'review_summary', 'version', array['uuid'], 'select', true),
             (12, 'idempotency_key', 'key', array['text'], 'select', true),
             (13, 'idempotency_key', 'film_id', array['integer'], 'select', true),
             (14, 'idempotency_key', 'rating', array['integer'], 'select', true),
             (15, 'idempotency_key', 'key', null, 'insert', true)
           ), found as (
             select needed.*, to_regclass(tab) as relation, attnum,
               format_type(coalesce(nullif(typbasetype, 0), pg_type.oid), null) as found_type
             from needed
             left join pg_attribute on attrelid = to_regclass(tab) and attname = col and not attisdropped
             left join pg_type on pg_type.oid = atttypid
             where tab = any($1) and ($2 or privilege = 'select') and ($3 or not added)
           )
           select case
             when relation is null then format('the table %s does not exist', tab)
             when attnum is null then format('the table %s has no column %s', tab, col)
             when not found_type = any(types)
               then format('the column %s.%s is of type %s, expected %s', tab, col, found_type, types[1])
             else format('the role %s lacks the privilege %s on %s.%s', current_user, upper(privilege), tab, col)
           end as "obstacle!"
           from found
           where attnum is null or not found_type = any(types)
             or not has_column_privilege(relation, attnum, privilege)
           order by place limit 1"#,
        &tables,
        purpose.writes,
        purpose.migrated
    )
    .fetch_optional(connection)
    .await
}

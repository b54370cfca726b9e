-- The keys of reviews that were sent with the header `Idempotency-Key`, so that a retry stores no second review.

create table if not exists idempotency_key (
    key        text        primary key,
    -- Grows with time, so that the oldest keys are found without a look at the others.
    number     bigint      not null unique generated always as identity,
    created_at timestamptz not null default now(),
    -- What was stored, to tell a retry from another review under the same key.
    film_id    integer     not null,
    rating     integer     not null
);

-- Deletes at most 1,000 keys: those older than `ttl`, and the oldest of more than `most`. Returns how many.
-- Several instances may call it at once, because it skips rows that another call deletes.
--
-- The planner must not read the whole table, whose statistics may be from when it was empty.
create or replace function expire_idempotency_keys(ttl interval, most bigint) returns bigint language plpgsql as $$
declare
    newest constant bigint := coalesce((select max(number) from idempotency_key), 0);
    expired bigint;
begin
    with oldest as materialized (
        select number, created_at from idempotency_key order by number limit 1000 for update skip locked
    )
    delete from idempotency_key using oldest
    where idempotency_key.number = oldest.number
      and (oldest.created_at < now() - ttl or oldest.number <= newest - most);
    get diagnostics expired = row_count;
    return expired;
end
$$;

-- The service may not delete keys by itself. The path is fixed, so that nobody puts another table before ours.
do $$
begin
    execute format('alter function expire_idempotency_keys(interval, bigint) security definer set search_path = %I, pg_temp',
        current_schema());
    alter function expire_idempotency_keys(interval, bigint) set enable_seqscan = off;
end
$$;

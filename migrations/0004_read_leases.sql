-- Read leases: an instance may use what it has cached for a few milliseconds without a query, because
-- whoever changes the catalogue waits that long before the commit. ARCHITECTURE.md has the argument.

-- No transaction may run the old trigger and commit after a lease was granted, so those under way end
-- first.
lock table film in share row exclusive mode;

-- How long a lease lasts, and so how long a change waits. 0 switches leases off:
--   update film_catalogue set lease = '0'
alter table film_catalogue
    add column if not exists lease interval not null default '10 milliseconds'
    check (lease between interval '0' and interval '1 second');

-- Runs before anything is written to the catalogue, by whatever statement, and before its row is locked:
-- transactions that change films wait side by side. While a transaction holds the shared lock, no lease
-- is granted. The wait comes after the lock, so that earlier leases are over at the commit.
--
-- The lock's second number makes it one of this table, so that two schemas do not share it. The length is
-- read after the lock: no lease of another length can be granted any more.
create or replace function await_leases() returns trigger language plpgsql as $$
declare
    length interval;
begin
    perform pg_advisory_xact_lock_shared(1718382963, tg_relid::integer);
    select max(lease) into length from film_catalogue;
    perform pg_sleep(extract(epoch from length));
    return null;
end
$$;

create or replace trigger await_leases before insert or update or delete or truncate on film_catalogue
    for each statement execute function await_leases();

-- Also for what a subscription of logical replication applies.
alter table film_catalogue enable always trigger await_leases;

-- Every write to the row gives the catalogue another version, also one that is about the length.
create or replace function renew_version() returns trigger language plpgsql as $$
begin
    new.version := gen_random_uuid();
    return new;
end
$$;

create or replace trigger renew_version before insert or update on film_catalogue
    for each row execute function renew_version();

alter table film_catalogue enable always trigger renew_version;

-- As before, but looks first whether this transaction has written the row: the statement would wait once
-- for every film that a transaction changes.
create or replace function film_changed() returns trigger language plpgsql as $$
begin
    if exists (select from film_catalogue where xmin <> pg_current_xact_id()::xid) then
        update film_catalogue set version = gen_random_uuid();
    end if;
    return null;
end
$$;

-- Returns the version of the catalogue, and grants a lease of it unless somebody holds the lock: its length
-- in microseconds, or else the reason why there is none. Two statements, because only the snapshot of the
-- second sees everything that was committed before the lock was free. A snapshot of the whole transaction
-- would not, and a standby does not see the locks of its primary.
create or replace function film_lease(out version uuid, out lease bigint, out refusal text) language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        refusal := 'isolation';
    elsif pg_is_in_recovery() then
        refusal := 'standby';
    elsif not pg_try_advisory_xact_lock(1718382963, 'film_catalogue'::regclass::oid::integer) then
        refusal := 'locked';
    end if;
    select catalogue.version, (extract(epoch from catalogue.lease) * 1000000)::bigint
        into film_lease.version, film_lease.lease from film_catalogue catalogue;
    if refusal is null and lease = 0 then
        refusal := 'off';
    end if;
end
$$;

-- The functions belong to the schema of their tables, whatever path a session has.
do $$
begin
    execute format('alter function film_changed() security definer set search_path = %I, pg_temp', current_schema());
    execute format('alter function await_leases() security definer set search_path = %I, pg_temp', current_schema());
end
$$;

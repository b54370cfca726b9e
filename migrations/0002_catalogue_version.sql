-- The version of the catalogue: another one with every transaction that changed a film. Answers that
-- were read at a version hold for as long as it is the current one.
--
-- Random and not counted: a restored backup would count up to a number that somebody has seen with
-- other films.
create table if not exists film_catalogue (
    singleton boolean primary key default true check (singleton),
    version   uuid    not null    default gen_random_uuid()
);
insert into film_catalogue default values on conflict do nothing;

-- Once a transaction, however many films it changes: `xmin` says who wrote the row that is there.
create or replace function film_changed() returns trigger language plpgsql as $$
begin
    update film_catalogue set version = gen_random_uuid() where xmin <> pg_current_xact_id()::xid;
    return null;
end
$$;

-- Whoever may change films need not have been granted anything here. The path is fixed, so that
-- nobody puts another table before ours.
do $$
begin
    execute format('alter function film_changed() security definer set search_path = %I, pg_temp', current_schema());
end
$$;

-- Deferred to the commit. Sooner, two transactions that change films in another order than the
-- version would end in a deadlock, which they would not have met without this trigger. It costs
-- a few microseconds for each row that is changed, and makes commits that change films take turns.
create constraint trigger film_changed after insert or update or delete on film
    deferrable initially deferred for each row execute function film_changed();

create trigger film_truncated after truncate on film
    for each statement execute function film_changed();

-- Also for what a subscription of logical replication applies.
alter table film enable always trigger film_changed, enable always trigger film_truncated;

-- Reviews that can be read: each has an id and a time, and each film has numbers that need no counting.

-- The version of a film's reviews and how many there are of each rating, 1 to 5. Other ratings, which a
-- restored table may have, are neither counted nor listed.
--
-- A film has several rows, which are added up. Whoever stores a review takes a row that no other transaction
-- holds, or a new one. So nobody waits for anybody, and no two transactions end in a deadlock.
create table if not exists review_summary (
    film_id integer not null,
    part    bigint  not null generated always as identity,
    version uuid    not null default gen_random_uuid(),
    one     bigint  not null default 0,
    two     bigint  not null default 0,
    three   bigint  not null default 0,
    four    bigint  not null default 0,
    five    bigint  not null default 0,
    primary key (film_id, part)
) with (fillfactor = 70);

-- Adds reviews to the summary, or takes them away: `changes` has 1 or -1 for each. A change of zero in all,
-- as an update of the time is one, gives the film another version too.
create or replace function summarise_reviews(film_ids integer[], ratings integer[], changes integer[])
returns void language plpgsql as $$
begin
    with changed as (
        select film_id, coalesce(sum(change) filter (where rating = 1), 0) as one,
            coalesce(sum(change) filter (where rating = 2), 0) as two,
            coalesce(sum(change) filter (where rating = 3), 0) as three,
            coalesce(sum(change) filter (where rating = 4), 0) as four,
            coalesce(sum(change) filter (where rating = 5), 0) as five
        from unnest(film_ids, ratings, changes) as change (film_id, rating, change)
        where film_id is not null group by film_id
    ), taken as materialized (
        select changed.*, free.part from changed left join lateral (
            select part from review_summary summary where summary.film_id = changed.film_id
            limit 1 for no key update skip locked
        ) free on true
    ), updated as (
        update review_summary summary set version = gen_random_uuid(), one = summary.one + taken.one,
            two = summary.two + taken.two, three = summary.three + taken.three,
            four = summary.four + taken.four, five = summary.five + taken.five
        from taken where summary.film_id = taken.film_id and summary.part = taken.part
    )
    insert into review_summary (film_id, one, two, three, four, five)
    select film_id, one, two, three, four, five from taken where part is null;
end
$$;

create or replace function reviews_changed() returns trigger language plpgsql as $$
begin
    case tg_op
    when 'INSERT' then
        perform summarise_reviews(array_agg(film_id::integer), array_agg(rating::integer), array_agg(1)) from new_reviews;
    when 'DELETE' then
        perform summarise_reviews(array_agg(film_id::integer), array_agg(rating::integer), array_agg(-1)) from old_reviews;
    when 'UPDATE' then
        perform summarise_reviews(array_agg(film_id::integer), array_agg(rating::integer), array_agg(change)) from (
            select film_id, rating, 1 as change from new_reviews
            union all select film_id, rating, -1 from old_reviews) both_reviews;
    else
        delete from review_summary;
    end case;
    return null;
end
$$;

-- Counts all reviews again if the summary differs, as after a restore that disabled the triggers. Reads
-- every review; locks the table only to correct the summary.
create or replace function count_reviews() returns void language plpgsql as $$
begin
    if not exists (
        select from (
            select film_id, rating::integer as rating, count(*) as number from review
            where film_id is not null and rating between 1 and 5 group by 1, 2
            union all
            select film_id, counted.rating, -number from review_summary, lateral (
                values (1, one), (2, two), (3, three), (4, four), (5, five)) counted (rating, number)
        ) both_counts group by film_id, rating having sum(number) <> 0
    ) then
        return;
    end if;
    lock table review in share row exclusive mode;
    delete from review_summary;
    perform summarise_reviews(array_agg(film_id::integer), array_agg(rating::integer), array_agg(1)) from review;
end
$$;

-- Gives the table `review` what the service reads. `films migrate` calls it on every run, because a restore
-- may have brought a table without it. The old reviews have no time, and get their ids in any order.
create or replace function prepare_reviews() returns void language plpgsql as $$
begin
    if (select count(*) from pg_attribute where attrelid = 'review'::regclass
            and attname in ('review_id', 'created_at') and not attisdropped) < 2
        or (select count(*) from pg_trigger where tgrelid = 'review'::regclass and tgname in
            ('reviews_inserted', 'reviews_updated', 'reviews_deleted', 'reviews_truncated')) < 4
        or to_regclass('review_newest') is null
    then
        alter table review add column if not exists review_id bigint generated by default as identity;
        alter table review add column if not exists created_at timestamptz;
        alter table review alter column created_at set default now();
        create index if not exists review_newest on review (film_id, review_id);
        create or replace trigger reviews_inserted after insert on review
            referencing new table as new_reviews for each statement execute function reviews_changed();
        create or replace trigger reviews_updated after update on review
            referencing new table as new_reviews old table as old_reviews
            for each statement execute function reviews_changed();
        create or replace trigger reviews_deleted after delete on review
            referencing old table as old_reviews for each statement execute function reviews_changed();
        create or replace trigger reviews_truncated after truncate on review
            for each statement execute function reviews_changed();
    end if;
    perform count_reviews();
end
$$;

-- Whoever may store reviews need not have been granted anything on the summary. The path is fixed, so that
-- nobody puts another table before ours.
do $$
begin
    execute format('alter function reviews_changed() security definer set search_path = %I, pg_temp', current_schema());
end
$$;

select prepare_reviews();

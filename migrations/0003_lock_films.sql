-- Locks those of these films that no other transaction holds, as the foreign key of `review` does, and
-- returns their ids. A review waits for the lock of its film. Without this function, all reviews that
-- share a statement would wait for the film that somebody holds with `select … for update`.
--
-- plpgsql keeps the plan for the session. A function in SQL would be planned at every call.
create or replace function lock_films(film_ids integer[]) returns setof integer language plpgsql as $$
begin
    return query select film_id from film where film_id = any(film_ids) for key share skip locked;
end
$$;

-- `for key share` needs the right to update films, which the service does not have. The path is fixed,
-- so that nobody puts another table before ours.
do $$
begin
    execute format('alter function lock_films(integer[]) security definer set search_path = %I, pg_temp', current_schema());
end
$$;

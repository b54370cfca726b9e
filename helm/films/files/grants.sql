grant select on film, film_catalogue, idempotency_key, review, review_summary, _sqlx_migrations to "films_service";
grant insert on idempotency_key, review to "films_service";
grant execute on function lock_films(integer[]), film_lease(), expire_idempotency_keys(interval, bigint) to "films_service";

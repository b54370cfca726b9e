grant select on film, film_catalogue, review, review_summary, _sqlx_migrations to "films_service";
grant insert on review to "films_service";
grant execute on function lock_films(integer[]), film_lease() to "films_service";

-- Creates the roles films.owner and films.service, or gives them their passwords and attributes again. Runs as
-- superuser. Dollar quotes have a name, because Kubernetes turns two dollars into one.
do $roles$
declare
    owner constant text := current_setting('films.owner');
    service constant text := current_setting('films.service');
    role text;
begin
    foreach role in array array[owner, service] loop
        if to_regrole(quote_ident(role)) is null then
            execute format('create role %I', role);
        end if;
        execute format('alter role %I login nosuperuser nocreatedb nocreaterole noreplication nobypassrls', role);
    end loop;
    execute format('alter role %I password %L', owner, current_setting('films.owner_password'));
    execute format('alter role %I password %L', service, current_setting('films.service_password'));

    execute format('grant usage, create on schema public to %I', owner);
    execute format('grant usage on schema public to %I', service);
    -- Before Postgres 15, everybody may create tables in the schema public.
    revoke create on schema public from public;
end
$roles$;

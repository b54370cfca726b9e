-- Gives the role films.owner what earlier releases or a restore created as superuser. Runs as superuser.
do $ownership$
declare
    owner constant text := current_setting('films.owner');
    superuser constant oid := current_user::regrole;
    command text;
begin
    for command in
        -- A sequence that belongs to a column follows its table, and an extension keeps what belongs to it.
        select format('alter table %s owner to %I', oid::regclass, owner) from pg_class
        where relnamespace = 'public'::regnamespace and relowner = superuser and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
          and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
                          and (deptype = 'e' or relkind = 'S' and deptype in ('a', 'i')))
        union all
        select format('alter routine %s owner to %I', oid::regprocedure, owner) from pg_proc
        where pronamespace = 'public'::regnamespace and proowner = superuser
          and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid
                          and deptype = 'e')
        -- Tables first: a trigger that runs with the rights of its owner needs a table of that owner.
        order by 1 desc
    loop
        execute command;
        -- With the lock of one table only, this never waits for a request that waits for this.
        commit;
    end loop;
end
$ownership$;

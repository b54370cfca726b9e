# Runs the SQL in $1, once Postgres accepts connections.

# One line break at the end of a password does not count, as in the service.
for name in PGPASSWORD OWNER_PASSWORD SERVICE_PASSWORD; do
    password=${!name-}
    password=${password%$'\n'}
    printf -v "$name" %s "${password%$'\r'}"
done

until pg_isready --quiet; do
    if ((SECONDS > WAIT)); then
        echo "Postgres at $PGHOST:$PGPORT accepts no connections after $WAIT s (migration.wait)" >&2
        exit 1
    fi
    sleep 1
done

# The lock is for pods that start at the same time: Postgres refuses concurrent changes of a role or a right.
status=0
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=SHOW_CONTEXT=never \
    --set=owner_password="$OWNER_PASSWORD" --set=service_password="$SERVICE_PASSWORD" <<END || status=$?
do \$lock\$ begin perform pg_advisory_lock(hashtext('roles of films')); end \$lock\$;
$1
END
if ((status == 2)); then
    echo "$PGUSER cannot connect to the database $PGDATABASE. Its volume keeps the superuser, the password and the" \
        "database that it was created with: postgres.user, postgres.database and the Secret must still name them" >&2
fi
exit "$status"

# Checks the connection budget in the running Postgres: it accepts postgres.maxConnections connections, and the
# service holds no more of them than the chart computed. The same holds for a replica.

# One line break at the end of a password does not count, as in the service.
PGPASSWORD=${PGPASSWORD-}
PGPASSWORD=${PGPASSWORD%$'\n'}
PGPASSWORD=${PGPASSWORD%$'\r'}

query() { psql "$url" --no-psqlrc --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"; }

failed() {
    echo "FAILED: $1"
    exit 1
}

check() {
    local name=$1 url=$2 least=$3 accepted held
    # The first packets of a pod may arrive before every node has applied its NetworkPolicy.
    for _ in {1..30}; do
        pg_isready --quiet ${url:+--dbname="$url"} && break
        sleep 1
    done
    accepted=$(query "select current_setting('max_connections')")
    held=$(query "select count(*) from pg_stat_activity where application_name = 'films' and datname = current_database()")
    echo "$name accepts $accepted connections (postgres.maxConnections: $MAX_CONNECTIONS)"
    echo "films holds $held of at most $MOST connections ($PEAK_PODS pods at their peak, $POOL_SIZE each)"
    ((accepted >= MAX_CONNECTIONS)) ||
        failed "$name accepts $accepted connections, expected at least postgres.maxConnections, which is $MAX_CONNECTIONS"
    ((held >= least)) || failed "films holds $held connections, expected at least $least, because its readiness check holds one"
    ((held <= MOST)) || failed "films holds $held connections, expected at most $MOST"
}

check Postgres "${DATABASE_URL:-}" 1
# At least 0: if there are several replicas, no pod may be connected to this one.
if [ -n "${FILMS__DATABASE__READ_URL:-}" ]; then
    check 'the replica' "$FILMS__DATABASE__READ_URL" 0
fi

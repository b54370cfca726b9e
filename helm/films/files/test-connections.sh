# The connection budget, as Postgres sees it: it accepts as many connections as the chart was told, and
# the service holds no more of them than its share; likewise the replica, where there is one.

query() { psql "$url" --no-psqlrc --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"; }

failed() {
    echo "FAILED: $1"
    exit 1
}

check() {
    local name=$1 url=$2 least=$3 accepted held
    # A pod's first packets may come before its NetworkPolicy is known everywhere.
    for _ in {1..30}; do
        pg_isready --quiet ${url:+--dbname="$url"} && break
        sleep 1
    done
    accepted=$(query "select current_setting('max_connections')")
    held=$(query "select count(*) from pg_stat_activity where application_name = 'films' and datname = current_database()")
    echo "$name accepts $accepted connections (postgres.maxConnections: $MAX_CONNECTIONS)"
    echo "films holds $held of its $MOST ($PEAK_PODS pods at their peak, $POOL_SIZE each)"
    ((accepted >= MAX_CONNECTIONS)) ||
        failed "postgres.maxConnections promises $MAX_CONNECTIONS, but $name accepts $accepted"
    ((held >= least)) || failed "no connection of films: expected at least one, from its readiness check"
    ((held <= MOST)) || failed "films holds $held connections, more than its $MOST"
}

check Postgres "${DATABASE_URL:-}" 1
# Of several replicas it may be one that serves no pod.
if [ -n "${FILMS__DATABASE__READ_URL:-}" ]; then
    check 'the replica' "$FILMS__DATABASE__READ_URL" 0
fi

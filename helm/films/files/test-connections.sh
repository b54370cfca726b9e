# The connection budget, as Postgres sees it: it accepts as many connections as the chart was told, and
# the service holds no more of them than its share.

# A pod's first packets may come before its NetworkPolicy is known everywhere.
for _ in {1..30}; do
    pg_isready --quiet ${DATABASE_URL:+--dbname="$DATABASE_URL"} && break
    sleep 1
done

query() { psql "${DATABASE_URL:-}" --no-psqlrc --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$1"; }

accepted=$(query "select current_setting('max_connections')")
held=$(query "select count(*) from pg_stat_activity where application_name = 'films' and datname = current_database()")
echo "Postgres accepts $accepted connections (postgres.maxConnections: $MAX_CONNECTIONS)"
echo "films holds $held of its $MOST ($PEAK_PODS pods at their peak, $POOL_SIZE each)"

if ((accepted < MAX_CONNECTIONS)); then
    echo "FAILED: postgres.maxConnections promises $MAX_CONNECTIONS, but the server accepts $accepted"
    exit 1
fi
if ((held < 1)); then
    echo "FAILED: no connection of films: expected at least one, from its readiness check"
    exit 1
fi
if ((held > MOST)); then
    echo "FAILED: films holds $held connections, more than its $MOST"
    exit 1
fi

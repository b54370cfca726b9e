# The three routes and readiness, asked over the cluster's network. No curl: bash is all the image
# must have.

# A pod's first packets may come before its NetworkPolicy is known everywhere.
for port in "$HTTP_HOST/$HTTP_PORT" "$ADMIN_HOST/$ADMIN_PORT"; do
    for _ in {1..30}; do
        (exec 3<>"/dev/tcp/$port") 2>/dev/null && break
        sleep 1
    done
done

# ask METHOD HOST PORT PATH [BODY]: leaves $status and $body.
ask() {
    local connection content=${5-}
    exec {connection}<>"/dev/tcp/$2/$3"
    printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$4" "$2" "${#content}" "$content" >&"$connection"
    local answer
    answer=$(timeout 10 cat <&"$connection")
    exec {connection}>&-
    status=${answer#* } status=${status%% *}
    body=${answer#*$'\r\n\r\n'}
}

# expect STATUS TEXT METHOD HOST PORT PATH [BODY]: TEXT must be in the answer's body.
expect() {
    ask "$3" "$4" "$5" "$6" "${7-}"
    if [[ $status != "$1" || $body != *"$2"* ]]; then
        echo "FAILED $3 http://$4:$5$6: expected $1 with $2, got $status with ${body:0:300}"
        exit 1
    fi
    echo "ok $3 http://$4:$5$6: $status"
}

expect 200 '"ready"' GET "$ADMIN_HOST" "$ADMIN_PORT" /readyz

ask GET "$HTTP_HOST" "$HTTP_PORT" '/films/?limit=1&year.gt=0'
film=${body#*'"'} film=${film%%'"'*}
if [[ $status != 200 || ! $film =~ ^[0-9]+$ ]]; then
    echo "FAILED GET /films/: expected 200 and a film, got $status with ${body:0:300}"
    exit 1
fi
echo "ok GET http://$HTTP_HOST:$HTTP_PORT/films/: $status"

expect 200 "\"film_id\":$film" GET "$HTTP_HOST" "$HTTP_PORT" "/films/$film/"
expect 200 "\"film_id\":$film" POST "$HTTP_HOST" "$HTTP_PORT" /reviews/ "{\"film_id\":$film,\"rating\":4}"
expect 404 no-such-film GET "$HTTP_HOST" "$HTTP_PORT" /films/0/

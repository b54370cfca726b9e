# Sends requests to the routes of the API and to /readyz over the network of the cluster. It uses bash in place of
# curl, because the image may contain no curl.

# The first packets of a pod may arrive before every node has applied its NetworkPolicy.
for port in "$HTTP_HOST/$HTTP_PORT" "$ADMIN_HOST/$ADMIN_PORT"; do
    for _ in {1..30}; do
        (exec 3<>"/dev/tcp/$port") 2>/dev/null && break
        sleep 1
    done
done

# request METHOD HOST PORT PATH [BODY]: sends a request and sets $status and $body.
request() {
    local connection content=${5-}
    exec {connection}<>"/dev/tcp/$2/$3"
    printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$4" "$2" "${#content}" "$content" >&"$connection"
    local response
    response=$(timeout 10 cat <&"$connection")
    exec {connection}>&-
    status=${response#* } status=${status%% *}
    body=${response#*$'\r\n\r\n'}
}

# expect STATUS TEXT METHOD HOST PORT PATH [BODY]: fails unless the response has STATUS and the body contains TEXT.
expect() {
    request "$3" "$4" "$5" "$6" "${7-}"
    if [[ $status != "$1" || $body != *"$2"* ]]; then
        echo "FAILED $3 http://$4:$5$6: expected $1 with $2, got $status with ${body:0:300}"
        exit 1
    fi
    echo "ok $3 http://$4:$5$6: $status"
}

expect 200 '"ready"' GET "$ADMIN_HOST" "$ADMIN_PORT" /readyz

request GET "$HTTP_HOST" "$HTTP_PORT" '/films/?limit=1&year.gt=0'
film=${body#*'"'} film=${film%%'"'*}
if [[ $status != 200 || ! $film =~ ^[0-9]+$ ]]; then
    echo "FAILED GET /films/: expected 200 and a film, got $status with ${body:0:300}"
    exit 1
fi
echo "ok GET http://$HTTP_HOST:$HTTP_PORT/films/: $status"

expect 200 "\"film_id\":$film" GET "$HTTP_HOST" "$HTTP_PORT" "/films/$film/"
expect 200 "\"film_id\":$film" POST "$HTTP_HOST" "$HTTP_PORT" /reviews/ "{\"film_id\":$film,\"rating\":4}"
expect 200 '"count":' GET "$HTTP_HOST" "$HTTP_PORT" "/films/$film/reviews/?limit=1"
expect 404 no-such-film GET "$HTTP_HOST" "$HTTP_PORT" /films/0/

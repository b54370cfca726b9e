# Changes the year of a film and reads the film, again and again. Prints a line for each: `change`, with the year, the
# times before and after, and whether it is committed; `read`, with the last year that was committed before the
# request, and the year in the response.
now() { date +%s%3N; }

read_film() {
    timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/5000"; printf "GET /films/1/ HTTP/1.0\r\nHost: films\r\n\r\n" >&3; cat <&3' "$FILMS" |
        sed -nE 's/.*"release_year":([0-9]+).*/\1/p'
}

committed=0
for ((year = 1; ; year++)); do
    began=$(now)
    if timeout 5 psql --no-psqlrc --quiet --command "update film set release_year = $year where film_id = 1"; then
        committed=$year
        echo "change $year $began $(now) committed"
    else
        echo "change $year $began $(now) failed"
    fi
    echo "read $committed $(read_film || true)"
done

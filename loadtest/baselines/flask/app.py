"""The article's Flask application: the three routes, psycopg2 and a pool."""

import os
from contextlib import contextmanager

import orjson
from eventlet.semaphore import Semaphore
from flask import Flask, abort, request
from flask.json.provider import JSONProvider
from psycopg2.errors import ForeignKeyViolation
from psycopg2.pool import ThreadedConnectionPool


class Pool:
    """A pool that waits for a free connection; psycopg2's raises an error.

    It waits on eventlet's semaphore, which serves in order. With threading's semaphore and 64 concurrent
    requests, a request waited for seconds while later requests overtook it.
    """

    def __init__(self, url, size):
        self._free = Semaphore(size)
        # The pool closes returned connections beyond `minconn`.
        self._pool = ThreadedConnectionPool(minconn=size, maxconn=size, dsn=url)

    @contextmanager
    def cursor(self):
        with self._free:
            connection = self._pool.getconn()
            try:
                # Every route has a single statement, which autocommit commits when it returns.
                connection.autocommit = True
                with connection.cursor() as cursor:
                    yield cursor
            finally:
                self._pool.putconn(connection)  # closes a broken connection


class Json(JSONProvider):
    def dumps(self, obj, **_):
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s, **_):
        return orjson.loads(s)

    def response(self, *args, **kwargs):
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=orjson.OPT_NON_STR_KEYS)
        return self._app.response_class(body, mimetype="application/json")


app = Flask(__name__)
app.json = Json(app)
workers = int(os.environ.get("WORKERS", 1))
pool = Pool(os.environ["DATABASE_URL"], max(1, int(os.environ.get("POOL_SIZE", 20)) // workers))


@app.get("/films/")
def films():
    year = request.args.get("year.gt", 2000, int)
    with pool.cursor() as cursor:
        cursor.execute(
            "SELECT film_id, release_year, title FROM film WHERE release_year > %s ORDER BY film_id", (year,)
        )
        return {film_id: {"release_year": year, "title": title} for film_id, year, title in cursor}


@app.get("/films/<int:film_id>/")
def film(film_id):
    with pool.cursor() as cursor:
        cursor.execute("SELECT film_id, release_year, title FROM film WHERE film_id = %s", (film_id,))
        row = cursor.fetchone()
    if row is None:
        abort(404)
    return dict(zip(("film_id", "release_year", "title"), row))


@app.post("/reviews/")
def review():
    match request.get_json():
        case {"film_id": int(film_id), "rating": int(rating)} if 1 <= rating <= 5:
            pass
        case _:
            abort(422)
    try:
        with pool.cursor() as cursor:
            cursor.execute("INSERT INTO review (film_id, rating) VALUES (%s, %s)", (film_id, rating))
    except ForeignKeyViolation:
        abort(422)
    return {"film_id": film_id, "rating": rating}

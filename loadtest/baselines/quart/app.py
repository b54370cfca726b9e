"""The article's Quart application: the three routes, asyncpg and its pool."""

import os

import asyncpg
import orjson
from quart import Quart, abort, request
from quart.json.provider import JSONProvider


class Json(JSONProvider):
    def dumps(self, obj, **_):
        return orjson.dumps(obj, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s, **_):
        return orjson.loads(s)

    def response(self, *args, **kwargs):
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=orjson.OPT_NON_STR_KEYS)
        return self._app.response_class(body, mimetype="application/json")


app = Quart(__name__)
app.json = Json(app)


async def keep_session(_connection):
    """By default asyncpg resets the session on release. No route changes the session."""


@app.before_serving
async def open_pool():
    workers = int(os.environ.get("WORKERS", 1))
    size = max(1, int(os.environ.get("POOL_SIZE", 20)) // workers)
    app.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=size, max_size=size, reset=keep_session)


@app.after_serving
async def close_pool():
    await app.pool.close()


@app.get("/films/")
async def films():
    year = request.args.get("year.gt", 2000, int)
    rows = await app.pool.fetch(
        "SELECT film_id, release_year, title FROM film WHERE release_year > $1 ORDER BY film_id", year
    )
    return {film_id: {"release_year": year, "title": title} for film_id, year, title in rows}


@app.get("/films/<int:film_id>/")
async def film(film_id):
    row = await app.pool.fetchrow("SELECT film_id, release_year, title FROM film WHERE film_id = $1", film_id)
    if row is None:
        abort(404)
    return dict(row)


@app.post("/reviews/")
async def review():
    match await request.get_json():
        case {"film_id": int(film_id), "rating": int(rating)} if 1 <= rating <= 5:
            pass
        case _:
            abort(422)
    try:
        # Outside a transaction block, the statement is committed when it returns.
        await app.pool.execute("INSERT INTO review (film_id, rating) VALUES ($1, $2)", film_id, rating)
    except asyncpg.ForeignKeyViolationError:
        abort(422)
    return {"film_id": film_id, "rating": rating}

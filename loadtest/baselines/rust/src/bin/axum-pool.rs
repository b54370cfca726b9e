//! axum with sqlx's own pool at its defaults, as most Rust engineers would begin.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use baselines::{Entry, Film, Filter, Result, Review, database_url, runtime, serve, setting};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

fn main() -> Result<()> {
    runtime()?.block_on(async {
        let pool_size = setting("POOL_SIZE")?.unwrap_or(20);
        let pool = PgPoolOptions::new().max_connections(pool_size).connect(&database_url()?).await?;
        let app = Router::new()
            .route("/films/", get(films))
            .route("/films/{film_id}/", get(film))
            .route("/reviews/", post(review))
            .with_state(pool.clone());
        serve(app).await?;
        pool.close().await;
        Ok(())
    })
}

/// A response. A failure has a status and no body.
type Response<T> = std::result::Result<Json<T>, StatusCode>;

async fn films(State(pool): State<PgPool>, Query(filter): Query<Filter>) -> Response<BTreeMap<i32, Entry>> {
    let films: Vec<Film> =
        sqlx::query_as("select film_id, release_year, title from film where release_year > $1")
            .bind(filter.year_gt)
            .fetch_all(&pool)
            .await
            .map_err(internal)?;
    Ok(Json(films.into_iter().map(Into::into).collect()))
}

async fn film(State(pool): State<PgPool>, Path(film_id): Path<i32>) -> Response<Film> {
    let film = sqlx::query_as("select film_id, release_year, title from film where film_id = $1")
        .bind(film_id)
        .fetch_optional(&pool)
        .await
        .map_err(internal)?;
    film.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Stores a review. The statement runs outside a transaction, so it is committed when `execute` returns.
async fn review(State(pool): State<PgPool>, Json(review): Json<Review>) -> Response<Review> {
    if !review.is_valid() {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let stored = sqlx::query("insert into review (film_id, rating) values ($1, $2)")
        .bind(review.film_id)
        .bind(review.rating)
        .execute(&pool)
        .await;
    match stored {
        Ok(_) => Ok(Json(review)),
        Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
            Err(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(internal(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes the error by value")]
fn internal(error: sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

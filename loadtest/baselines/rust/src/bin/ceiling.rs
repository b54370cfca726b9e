//! axum with responses from memory: the limit of HTTP.
//!
//! It reads the database once, at the start. Another server can be faster only if its HTTP is faster, or
//! if the load generator is the bottleneck.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use baselines::{Entry, Film, Filter, Result, Review, database_url, runtime, serve};
use serde::Serialize;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// The bodies of all responses to GET.
struct Bodies {
    films: HashMap<i32, Bytes>,
    /// The films after each year. `i32::MIN` has all films.
    lists: BTreeMap<i32, Bytes>,
}

fn main() -> Result<()> {
    runtime()?.block_on(async {
        let bodies = Arc::new(Bodies::new(&read(&database_url()?).await?)?);
        let app = Router::new()
            .route("/films/", get(films))
            .route("/films/{film_id}/", get(film))
            .route("/reviews/", post(review))
            .with_state(bodies);
        serve(app).await
    })
}

async fn read(url: &str) -> Result<Vec<Film>> {
    let mut connection = PgConnection::connect(url).await?;
    let films =
        sqlx::query_as("select film_id, release_year, title from film").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(films)
}

impl Bodies {
    fn new(films: &[Film]) -> Result<Self> {
        let years: BTreeSet<i32> = films.iter().filter_map(|film| film.release_year).collect();
        let years = years.into_iter().chain([i32::MIN]);
        Ok(Self {
            films: films.iter().map(|film| Ok((film.film_id, bytes(film)?))).collect::<Result<_>>()?,
            lists: years.map(|year| Ok((year, list(films, year)?))).collect::<Result<_>>()?,
        })
    }
}

fn list(films: &[Film], year_gt: i32) -> Result<Bytes> {
    let after = films.iter().filter(|film| film.release_year.is_some_and(|year| year > year_gt));
    let entries: BTreeMap<i32, Entry> = after.cloned().map(Into::into).collect();
    bytes(&entries)
}

fn bytes(body: &impl Serialize) -> Result<Bytes> {
    Ok(serde_json::to_vec(body)?.into())
}

async fn films(State(bodies): State<Arc<Bodies>>, Query(filter): Query<Filter>) -> Response {
    // Between two years with films, the list does not change.
    json(bodies.lists.range(..=filter.year_gt).next_back().map(|(_, body)| body))
}

async fn film(State(bodies): State<Arc<Bodies>>, Path(film_id): Path<i32>) -> Response {
    json(bodies.films.get(&film_id))
}

async fn review(State(bodies): State<Arc<Bodies>>, Json(review): Json<Review>) -> Response {
    if review.is_valid() && bodies.films.contains_key(&review.film_id) {
        Json(review).into_response()
    } else {
        StatusCode::UNPROCESSABLE_ENTITY.into_response()
    }
}

fn json(body: Option<&Bytes>) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match body {
        Some(body) => ([content_type], body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

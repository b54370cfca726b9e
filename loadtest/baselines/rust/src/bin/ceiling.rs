//! axum answering the same bytes from memory: what the HTTP side alone can do.
//!
//! The database is read once, at the start. No other target can be faster than this one without being
//! faster at HTTP; one that is says that the load generator is what was measured.

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

/// Every answer to a GET, as bytes.
struct Answers {
    films: HashMap<i32, Bytes>,
    /// By year: the films that came out after it. The year before all others has all of them.
    lists: BTreeMap<i32, Bytes>,
}

fn main() -> Result<()> {
    runtime()?.block_on(async {
        let answers = Arc::new(Answers::new(&read(&database_url()?).await?)?);
        let app = Router::new()
            .route("/films/", get(films))
            .route("/films/{film_id}/", get(film))
            .route("/reviews/", post(review))
            .with_state(answers);
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

impl Answers {
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

async fn films(State(answers): State<Arc<Answers>>, Query(filter): Query<Filter>) -> Response {
    // Between two years that films came out in, nothing changes.
    json(answers.lists.range(..=filter.year_gt).next_back().map(|(_, body)| body))
}

async fn film(State(answers): State<Arc<Answers>>, Path(film_id): Path<i32>) -> Response {
    json(answers.films.get(&film_id))
}

async fn review(State(answers): State<Arc<Answers>>, Json(review): Json<Review>) -> Response {
    if review.is_valid() && answers.films.contains_key(&review.film_id) {
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

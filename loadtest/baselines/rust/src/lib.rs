//! The common parts of the two baselines: settings, start and stop, and the bodies of requests and
//! responses.

use std::env;
use std::error::Error;
use std::str::FromStr;

use axum::Router;
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

/// A result of the start. `main` prints the error.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Body of `GET /films/{film_id}/`.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Film {
    /// Id of the film.
    pub film_id: i32,
    /// Year of the release, if known.
    pub release_year: Option<i32>,
    /// Title of the film.
    pub title: String,
}

/// A film in the body of `GET /films/`, under its id.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Year of the release, if known.
    pub release_year: Option<i32>,
    /// Title of the film.
    pub title: String,
}

impl From<Film> for (i32, Entry) {
    fn from(film: Film) -> Self {
        (film.film_id, Entry { release_year: film.release_year, title: film.title })
    }
}

/// Query of `GET /films/`.
#[derive(Debug, Deserialize)]
pub struct Filter {
    /// Selects the films after this year.
    #[serde(rename = "year.gt", default = "default_year")]
    pub year_gt: i32,
}

fn default_year() -> i32 {
    2000
}

/// Body of `POST /reviews/` and of its response.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Review {
    /// Id of the film.
    pub film_id: i32,
    /// Rating, 1 to 5.
    pub rating: i32,
}

impl Review {
    /// Tells whether the rating is in its range.
    pub fn is_valid(&self) -> bool {
        (1..=5).contains(&self.rating)
    }
}

/// Returns a runtime with `WORKERS` threads, by default as many as there are cores.
pub fn runtime() -> Result<Runtime> {
    let mut runtime = Builder::new_multi_thread();
    if let Some(workers) = setting("WORKERS")? {
        runtime.worker_threads(workers);
    }
    Ok(runtime.enable_all().build()?)
}

/// Reads the environment variable `name`, if it is set.
pub fn setting<T: FromStr<Err: Error + 'static>>(name: &str) -> Result<Option<T>> {
    match env::var(name) {
        Ok(value) => value.parse().map(Some).map_err(|error| format!("{name}={value}: {error}").into()),
        Err(_) => Ok(None),
    }
}

/// Reads the URL of the database.
pub fn database_url() -> Result<String> {
    env::var("DATABASE_URL").map_err(|error| format!("DATABASE_URL: {error}").into())
}

/// Serves on `LISTEN` until SIGTERM or Ctrl-C, then finishes the requests that have begun.
pub async fn serve(app: Router) -> Result<()> {
    let listen: String = setting("LISTEN")?.unwrap_or_else(|| "0.0.0.0:5000".to_owned());
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = ctrl_c() => {}
        }
    };
    axum::serve(TcpListener::bind(listen).await?, app).with_graceful_shutdown(stop).await?;
    Ok(())
}

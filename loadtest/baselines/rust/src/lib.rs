//! What the two baselines share: their settings, their start and stop, and what a film and a review
//! look like on the wire.

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

/// Whatever went wrong at the start; `main` prints it.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// `GET /films/{film_id}/`.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Film {
    /// Its key.
    pub film_id: i32,
    /// The year it came out, where it is known.
    pub release_year: Option<i32>,
    /// Its title.
    pub title: String,
}

/// A film in the answer to `GET /films/`, under its id.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The year it came out.
    pub release_year: Option<i32>,
    /// Its title.
    pub title: String,
}

impl From<Film> for (i32, Entry) {
    fn from(film: Film) -> Self {
        (film.film_id, Entry { release_year: film.release_year, title: film.title })
    }
}

/// The query of `GET /films/`.
#[derive(Debug, Deserialize)]
pub struct Filter {
    /// Only films that came out after this year.
    #[serde(rename = "year.gt", default = "default_year")]
    pub year_gt: i32,
}

fn default_year() -> i32 {
    2000
}

/// `POST /reviews/`, asked and answered.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Review {
    /// The film that it is about.
    pub film_id: i32,
    /// From 1 to 5.
    pub rating: i32,
}

impl Review {
    /// Whether the rating is one.
    pub fn is_valid(&self) -> bool {
        (1..=5).contains(&self.rating)
    }
}

/// A runtime with `WORKERS` threads; tokio's default is the number of cores.
pub fn runtime() -> Result<Runtime> {
    let mut runtime = Builder::new_multi_thread();
    if let Some(workers) = setting("WORKERS")? {
        runtime.worker_threads(workers);
    }
    Ok(runtime.enable_all().build()?)
}

/// The setting `name` of the environment, if it is there.
pub fn setting<T: FromStr<Err: Error + 'static>>(name: &str) -> Result<Option<T>> {
    match env::var(name) {
        Ok(value) => value.parse().map(Some).map_err(|error| format!("{name}={value}: {error}").into()),
        Err(_) => Ok(None),
    }
}

/// Where the films are.
pub fn database_url() -> Result<String> {
    env::var("DATABASE_URL").map_err(|error| format!("DATABASE_URL: {error}").into())
}

/// Serves on `LISTEN` until SIGTERM or Ctrl-C, and then what is under way.
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

//! What somebody else writes into Postgres is seen by the next request, whatever was kept before.

mod bulk;
mod load;
mod sequence;
mod together;
mod writers;

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use crate::support::{Films, PATIENCE};

/// Everywhere that film 7 is to be seen.
const PATHS: [&str; 4] =
    ["/films/7/", "/films/", "/films/?limit=3&after=5", "/films/?year.gt=1999&limit=100"];

/// Fills the catalogue with ten films: a list of so few costs little, thousands of times too. A
/// film's title is a number.
async fn ten_films(pool: &PgPool) {
    sqlx::query(
        "insert into film (film_id, title, release_year) select id, '0', 2006 from generate_series(1, 10) id",
    )
    .execute(pool)
    .await
    .unwrap();
}

/// What anybody with a connection does, in a transaction of its own or in one that is open.
async fn entitle(connection: &mut PgConnection, film_id: i32, number: u64) -> Result<(), sqlx::Error> {
    sqlx::query("update film set title = $2 where film_id = $1")
        .bind(film_id)
        .bind(number.to_string())
        .execute(connection)
        .await
        .map(|_| ())
}

/// A client that keeps its connection, and what it was answered.
struct Reader {
    client: Client<HttpConnector, Empty<Bytes>>,
    to: SocketAddr,
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    tag: String,
    body: String,
}

impl Reader {
    fn new(films: &Films) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), to: films.http }
    }

    async fn read(&self, path: &str) -> Seen {
        self.reread(path, None).await
    }

    /// Where the client has seen something before, it asks whether that still holds.
    async fn reread(&self, path: &str, before: Option<&Seen>) -> Seen {
        let mut request = Request::get(format!("http://{}{path}", self.to));
        if let Some(before) = before {
            request = request.header(header::IF_NONE_MATCH, &before.tag);
        }
        let request = self.client.request(request.body(Empty::new()).unwrap());
        let response = timeout(PATIENCE, request).await.expect("an answer").unwrap();
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.expect("a body").unwrap().to_bytes();
        if let (Some(before), StatusCode::NOT_MODIFIED) = (before, head.status) {
            return before.clone();
        }
        assert_eq!(head.status, StatusCode::OK, "{path}");
        let tag = head.headers[header::ETAG].to_str().unwrap().to_owned();
        Seen { tag, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Seen {
    /// The number that film 7 has for a title, from any of [`PATHS`].
    fn number(&self) -> u64 {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let film = body.get("7").unwrap_or(&body);
        film["title"].as_str().and_then(|title| title.parse().ok()).unwrap_or_else(|| panic!("{self:?}"))
    }
}

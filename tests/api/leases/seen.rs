//! What a reader received, compared with what was committed.

use std::collections::HashMap;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use super::writers::{Changes, HABITS};
use crate::support::{Films, TIMEOUT};

/// A client of one instance, which remembers the last response to each path.
pub(super) struct Reader {
    client: Client<HttpConnector, Empty<Bytes>>,
    origin: String,
    seen: HashMap<String, (String, Value)>,
}

impl Reader {
    pub(super) fn new(films: &Films) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            origin: format!("http://{}", films.http),
            seen: HashMap::new(),
        }
    }

    /// Reads a path, with `If-None-Match` if `is_conditional`. Returns the body, which for 304 is the last one.
    pub(super) async fn read(&mut self, path: &str, is_conditional: bool) -> Value {
        let mut request = Request::get(format!("{}{path}", self.origin));
        if let Some((tag, _)) = self.seen.get(path).filter(|_| is_conditional) {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let response = self.client.request(request.body(Empty::new()).unwrap());
        let (head, body) = timeout(TIMEOUT, response).await.expect("a response").unwrap().into_parts();
        let body = timeout(TIMEOUT, body.collect()).await.expect("a body").unwrap().to_bytes();
        if head.status == StatusCode::NOT_MODIFIED {
            return self.seen[path].1.clone();
        }
        assert_eq!(head.status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&body));
        let tag = head.headers[header::ETAG].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&body).unwrap();
        self.seen.insert(path.to_owned(), (tag, body.clone()));
        body
    }

    /// Reads a path. Returns what is stale in the response, if anything is: a film whose title is older than
    /// what was committed before the request.
    pub(super) async fn stale(
        &mut self,
        path: &str,
        is_conditional: bool,
        changes: &Changes,
    ) -> Option<String> {
        let films = 1..=i32::try_from(HABITS.len()).unwrap();
        let committed: Vec<u64> = films.clone().map(|film_id| changes.committed(film_id)).collect();
        let body = self.read(path, is_conditional).await;
        films.zip(committed).find_map(|(film_id, committed)| {
            let number = number(&body, film_id)?;
            assert!(number <= changes.sent(film_id), "{path}: film {film_id} was never {number}");
            (number < committed).then(|| {
                let habit = HABITS[usize::try_from(film_id).unwrap() - 1];
                format!(
                    "{path}: film {film_id} ({habit:?}) is {number}, and {committed} was committed before"
                )
            })
        })
    }
}

/// Returns the number that is the title of a film, if the body contains the film.
fn number(body: &Value, film_id: i32) -> Option<u64> {
    let listed = body.get(film_id.to_string());
    let film = listed.or_else(|| (body["film_id"] == film_id).then_some(body))?;
    film["title"].as_str()?.parse().ok()
}

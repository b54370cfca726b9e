//! A client that reads films again and again on one connection.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use crate::support::{Films, TIMEOUT};

pub(super) struct Reader {
    client: Client<HttpConnector, Empty<Bytes>>,
    to: SocketAddr,
}

/// What a reader has received.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) tag: String,
    body: String,
}

impl Reader {
    pub(super) fn new(films: &Films) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), to: films.http }
    }

    pub(super) async fn read(&self, path: &str) -> Seen {
        self.reread(path, None).await
    }

    /// Reads with `If-None-Match` if something was seen before. Returns that for 304.
    pub(super) async fn reread(&self, path: &str, before: Option<&Seen>) -> Seen {
        let mut request = Request::get(format!("http://{}{path}", self.to));
        if let Some(before) = before {
            request = request.header(header::IF_NONE_MATCH, &before.tag);
        }
        let request = self.client.request(request.body(Empty::new()).unwrap());
        let response = timeout(TIMEOUT, request).await.expect("a response").unwrap();
        let (head, body) = response.into_parts();
        let body = timeout(TIMEOUT, body.collect()).await.expect("a body").unwrap().to_bytes();
        if let (Some(before), StatusCode::NOT_MODIFIED) = (before, head.status) {
            return before.clone();
        }
        assert_eq!(head.status, StatusCode::OK, "{path}");
        let tag = head.headers[header::ETAG].to_str().unwrap().to_owned();
        Seen { tag, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

impl Seen {
    /// Returns the number that is the title of film 7, in a response for any of
    /// [`PATHS`](super::catalogue::PATHS).
    pub(super) fn number(&self) -> u64 {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let film = body.get("7").unwrap_or(&body);
        film["title"].as_str().and_then(|title| title.parse().ok()).unwrap_or_else(|| panic!("{self:?}"))
    }
}

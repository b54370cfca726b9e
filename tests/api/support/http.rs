//! A client that adds nothing of its own: no redirects, no retries, no defaults.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Checks that this is a problem of RFC 9457 with this status and name, and returns its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, name: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["type"], format!("urn:problem-type:films:{name}"), "{self:?}");
        assert_eq!(body["status"], status, "{self:?}");
        assert!(body["title"].is_string(), "{self:?}");
        body["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends one request over HTTP/1.1 on a connection of its own.
pub(crate) async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    exchange(Client::builder(TokioExecutor::new()), to, method, path, headers, body).await.unwrap()
}

/// [`send`], over HTTP/2 with prior knowledge.
pub(crate) async fn send_h2(to: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
    let mut client = Client::builder(TokioExecutor::new());
    client.http2_only(true);
    let headers = [("content-type", "application/json")];
    exchange(client, to, method, path, &headers, body).await.unwrap()
}

async fn exchange(
    client: hyper_util::client::legacy::Builder,
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let mut request = Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned())))?;
    let client = client.build_http();
    let response = timeout(PATIENCE, client.request(request)).await??;
    let (head, body) = response.into_parts();
    let body = timeout(PATIENCE, body.collect()).await??.to_bytes();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec())?,
    })
}

/// Sends these bytes on a connection and returns all that comes back until it is closed.
pub(crate) async fn raw(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

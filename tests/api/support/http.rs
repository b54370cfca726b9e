//! An HTTP client without redirects, retries or default headers.

use std::io::Read as _;
use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wait::TIMEOUT;

/// Body of a valid review.
pub(crate) const REVIEW: &str = r#"{"film_id":995,"rating":4}"#;

/// Bytes of a request for a film, for tests that use a socket themselves.
pub(crate) const GET_FILM: &[u8] = b"GET /films/995/ HTTP/1.1\r\nhost: films\r\n\r\n";
/// Bytes of a request that stores a review.
pub(crate) const POST_REVIEW: &[u8] =
    b"POST /reviews/ HTTP/1.1\r\nhost: films\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n\
      {\"film_id\":995,\"rating\":4}";

/// A complete response. Its body is decompressed.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Response {
    /// Returns the header's value, or an empty string if the header is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Checks that this is a problem of RFC 9457 with this status and type, and returns its detail.
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

    /// Returns the value of a sample on a Prometheus page: the first with this name and at least these
    /// labels.
    pub(crate) fn sample(&self, name: &str, labels: &[&str]) -> Option<&str> {
        self.body.lines().find_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (series_name, series_labels) = series.split_once('{').unwrap_or((series, "}"));
            let series_labels: Vec<&str> = series_labels.strip_suffix('}')?.split(',').collect();
            let matches = series_name == name && labels.iter().all(|label| series_labels.contains(label));
            matches.then_some(value)
        })
    }

    /// Checks the value of a [sample](Self::sample).
    #[track_caller]
    pub(crate) fn assert_sample(&self, name: &str, labels: &[&str], expected: u32) {
        let value = self.sample(name, labels);
        assert_eq!(value, Some(expected.to_string().as_str()), "{name} {labels:?} in {self:?}");
    }
}

fn decoded(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match headers.get("content-encoding").map(|coding| coding.to_str().unwrap()) {
        // The response to HEAD, and 304.
        Some(_) if body.is_empty() => {}
        Some("gzip") => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap()),
        Some("br") => drop(brotli::Decompressor::new(body, 4096).read_to_end(&mut plain).unwrap()),
        Some("zstd") => plain = zstd::decode_all(body).unwrap(),
        Some(other) => panic!("an unknown coding: {other}"),
        None => plain = body.to_vec(),
    }
    plain
}

/// Sends a request over HTTP/1.1 on a new connection.
pub(crate) async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    exchange(Client::builder(TokioExecutor::new()), to, method, path, headers, body).await
}

/// Sends a request over HTTP/2 with prior knowledge on a new connection.
pub(crate) async fn send_h2(to: SocketAddr, method: &str, path: &str, body: &str) -> Response {
    let mut client = Client::builder(TokioExecutor::new());
    client.http2_only(true);
    exchange(client, to, method, path, &[("content-type", "application/json")], body).await
}

async fn exchange(
    client: Builder,
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut request = Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let client = client.build_http();
    let exchange = async {
        let response = client.request(request).await?;
        let (head, body) = response.into_parts();
        Ok::<_, Box<dyn std::error::Error>>((head, body.collect().await?.to_bytes()))
    };
    let result = timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| panic!("{method} {path}: no response"));
    let (head, body) = result.unwrap_or_else(|error| panic!("{method} http://{to}{path}: {error:?}"));
    let body = String::from_utf8(decoded(&head.headers, &body)).unwrap();
    Response { status: head.status.as_u16(), headers: head.headers, body }
}

/// Sends these bytes on a new connection, and returns everything that the server sends until it closes
/// the connection.
pub(crate) async fn raw(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut received = Vec::new();
    let exchange = async { tokio::join!(writer.write_all(bytes), reader.read_to_end(&mut received)) };
    // Both may fail: the server may refuse a request and close the connection before it has read all.
    let _ = timeout(TIMEOUT, exchange).await.expect("the server closes the connection");
    String::from_utf8_lossy(&received).into_owned()
}

/// Reads one response, by its `Content-Length`. Returns `None` if the connection ends before.
pub(crate) async fn read_response(stream: &mut TcpStream) -> Option<String> {
    let mut received = Vec::new();
    loop {
        let read = timeout(TIMEOUT, stream.read_buf(&mut received)).await.expect("a response");
        if read.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        if body.len() >= length.parse().ok()? {
            return Some(text.into_owned());
        }
    }
}

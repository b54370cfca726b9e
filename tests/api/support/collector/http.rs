//! OTLP over HTTP with protobuf bodies.

use std::convert::Infallible;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpListener;

use super::store::Store;

pub(super) async fn serve(listener: TcpListener, store: Store) {
    while let Ok((stream, _)) = listener.accept().await {
        let store = store.clone();
        let service = service_fn(move |request| respond(request, store.clone()));
        // Errors are ignored: a client may go away at any time.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Responds with an empty body if the whole request was accepted, as a collector does.
async fn respond(request: Request<Incoming>, store: Store) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::default();
    if !accept(request, &store).await {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

async fn accept(request: Request<Incoming>, store: &Store) -> bool {
    let (head, body) = request.into_parts();
    let is_protobuf = head.headers.get("content-type").is_some_and(|value| value == "application/x-protobuf");
    if !is_protobuf || head.method != Method::POST {
        return false;
    }
    let Ok(body) = body.collect().await else { return false };
    let body = body.to_bytes();
    match head.uri.path() {
        "/v1/traces" => Message::decode(body).map(|request| store.add_spans(head.headers, request)).is_ok(),
        "/v1/metrics" => {
            Message::decode(body).map(|request| store.add_metrics(head.headers, request)).is_ok()
        }
        "/v1/logs" => Message::decode(body).map(|request| store.add_logs(head.headers, request)).is_ok(),
        _ => false,
    }
}

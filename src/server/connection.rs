//! Serves one connection. A port takes both HTTP/1.1 and HTTP/2 with prior knowledge (h2c).

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tracing::debug;

use super::activity::{Activity, Order};
use super::chunks::Chunks;
use super::socket::Socket;
use super::upload::Upload;
use crate::http::{Endless, Service};
use crate::readiness::Readiness;

/// A client's connection.
pub(super) struct Connection {
    peer: SocketAddr,
    service: Arc<Service>,
    readiness: Readiness,
    activity: Arc<Activity>,
}

impl Connection {
    pub(super) fn new(
        peer: SocketAddr,
        service: Arc<Service>,
        readiness: Readiness,
        activity: Arc<Activity>,
    ) -> Self {
        Self { peer, service, readiness, activity }
    }

    /// Serves until the client disconnects, or until the listener ends the connection.
    pub(super) async fn serve(self, stream: std::net::TcpStream) {
        let (peer, activity) = (self.peer, Arc::clone(&self.activity));
        let stream = match Socket::adopt(stream, Arc::clone(&activity)) {
            Ok(stream) => TokioIo::new(stream),
            Err(error) => return debug!(%error, %peer, "a new connection failed"),
        };
        let connection = Arc::new(self);
        let service = service_fn(move |request| Arc::clone(&connection).respond(request));
        let mut builder = Builder::new(TokioExecutor::new());
        // A client may close its side after the last request and wait for the response. The listener
        // limits the time of the connection, so hyper needs no timer of its own.
        builder.http1().half_close(true).header_read_timeout(None);
        builder.http2().max_concurrent_streams(256);
        let mut served = pin!(builder.serve_connection(stream, service));
        let mut is_finishing = false;
        let ended = poll_fn(|context| {
            let order = activity.ordered(context.waker());
            if order > Order::Serve && !is_finishing {
                is_finishing = true;
                served.as_mut().graceful_shutdown();
            }
            match served.as_mut().poll(context) {
                // This poll has sent GOAWAY, if the connection is HTTP/2 and takes bytes.
                Poll::Pending if order == Order::Close => Poll::Ready(Ok(())),
                polled => polled,
            }
        });
        if let Err(error) = ended.await {
            debug!(error, %peer, "a connection ended early");
        }
    }

    /// Responds to one request. While the instance is stopping, each HTTP/1.1 response closes its
    /// connection, so that a load balancer sends the client elsewhere.
    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let _under_way = self.activity.request();
        let request = request.map(|body| {
            if body.is_end_stream() { Body::empty() } else { Body::new(Upload::new(body, &self.activity)) }
        });
        let version = request.version();
        let mut response = self.service.respond(self.peer, request).await;
        let is_endless = response.extensions().get::<Endless>().is_some();
        if (version == Version::HTTP_2 || is_endless) && !response.body().is_end_stream() {
            response = response.map(|body| Body::new(Chunks::new(body, &self.activity)));
        }
        if version != Version::HTTP_2 && self.readiness.is_stopping() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

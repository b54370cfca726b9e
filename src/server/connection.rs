//! Serves one connection. A port takes both HTTP/1.1 and HTTP/2 with prior knowledge (h2c).

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tracing::debug;

use crate::http::{Peer, Service};
use crate::readiness::Readiness;

/// A client's connection.
pub(super) struct Connection {
    peer: SocketAddr,
    service: Arc<Service>,
    readiness: Readiness,
    has_request: AtomicBool,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, service: Arc<Service>, readiness: Readiness) -> Self {
        Self { peer, service, readiness, has_request: AtomicBool::new(false) }
    }

    /// Serves until the client disconnects or is too slow, or until `watcher` ends the connection.
    pub(super) async fn serve(self, stream: std::net::TcpStream, header_timeout: Duration, watcher: Watcher) {
        let peer = self.peer;
        let stream = match adopt(stream) {
            Ok(stream) => TokioIo::new(stream),
            Err(error) => return debug!(%error, %peer, "a new connection failed"),
        };
        let connection = Arc::new(self);
        let state = Arc::clone(&connection);
        let service = service_fn(move |request| Arc::clone(&connection).respond(request));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
        let served = watcher.watch(builder.serve_connection(stream, service).into_owned());
        let mut served = pin!(served);
        // hyper's own timeout starts when the HTTP version is known. A silent client never reveals it.
        let mut silent = pin!(sleep(header_timeout));
        // A `select!` would poll the timer with every request. This stops at the first one.
        let ended = poll_fn(|context| match served.as_mut().poll(context) {
            Poll::Pending if state.has_request() => Poll::Pending,
            Poll::Pending => silent.as_mut().poll(context).map(|()| Ok(())),
            ended @ Poll::Ready(_) => ended,
        });
        if let Err(error) = ended.await {
            debug!(error, %peer, "a connection ended early");
        }
    }

    /// Responds to one request. While the instance is stopping, each HTTP/1.1 response closes its
    /// connection, so that a load balancer sends the client elsewhere.
    async fn respond(self: Arc<Self>, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.has_request.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(self.peer));
        let version = request.version();
        let mut response = self.service.respond(request).await;
        if version < Version::HTTP_2 && self.readiness.is_stopping() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Returns whether a request has arrived on this connection.
    fn has_request(&self) -> bool {
        self.has_request.load(Ordering::Relaxed)
    }
}

/// Registers the stream with the current runtime.
fn adopt(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    // Responses are written whole, so waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}

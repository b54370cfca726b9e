//! One client's connection. HTTP/1.1, and HTTP/2 with prior knowledge (h2c): both on one port.

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

use crate::http::{Peer, Readiness, Service};

/// What the requests of one connection have in common.
pub(crate) struct Connection {
    peer: SocketAddr,
    service: Arc<Service>,
    readiness: Readiness,
    asked: AtomicBool,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, service: Arc<Service>, readiness: Readiness) -> Self {
        Self { peer, service, readiness, asked: AtomicBool::new(false) }
    }

    /// Serves until the client leaves, is too slow, or `watcher` wants an end.
    pub(crate) async fn serve(self, stream: std::net::TcpStream, header_timeout: Duration, watcher: Watcher) {
        let peer = self.peer;
        let stream = match adopt(stream) {
            Ok(stream) => TokioIo::new(stream),
            Err(error) => return debug!(%error, %peer, "a connection broke at once"),
        };
        let connection = Arc::new(self);
        let asked = Arc::clone(&connection);
        let service = service_fn(move |request| Arc::clone(&connection).answer(request));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
        let served = watcher.watch(builder.serve_connection(stream, service).into_owned());
        let mut served = pin!(served);
        // hyper's own limit begins when it knows which HTTP is spoken, and a client may keep that to
        // itself.
        let mut silent = pin!(sleep(header_timeout));
        // A `select!` would look at the clock with every request, and most connections ask at once.
        let ended = poll_fn(|context| match served.as_mut().poll(context) {
            Poll::Pending if asked.asked() => Poll::Pending,
            Poll::Pending => silent.as_mut().poll(context).map(|()| Ok(())),
            ended @ Poll::Ready(_) => ended,
        });
        if let Err(error) = ended.await {
            debug!(error, %peer, "a connection ended early");
        }
    }

    /// Answers one request. While the instance is stopping each answer over HTTP/1.1 asks its client
    /// to come back on another connection, which a load balancer then leads elsewhere.
    async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        self.asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(self.peer));
        let version = request.version();
        let mut response = self.service.answer(request).await;
        if version < Version::HTTP_2 && self.readiness.is_stopping() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Whether there was a request yet.
    fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Makes the stream one of the runtime that this runs on.
fn adopt(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    // Answers are written whole; waiting to fill a packet only delays them.
    stream.set_nodelay(true)?;
    TcpStream::from_std(stream)
}

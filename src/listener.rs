//! A socket, the connections it takes, and how they end. HTTP/1.1, and HTTP/2 with prior knowledge
//! (h2c): both on one port.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tower::Service as _;
use tracing::{debug, warn};

use crate::http::{Peer, Readiness};

/// How long to wait when there is no file descriptor left for a further connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a request may take from a client that has just connected to here.
const SETTLE: Duration = Duration::from_millis(250);

/// What a listener allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most connections at once.
    pub(crate) connections: usize,
    /// Longest time for a request's head to arrive.
    pub(crate) header_timeout: Duration,
}

/// A bound socket with what it serves.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    router: Router,
    readiness: Readiness,
    limits: Limits,
    connections: GracefulShutdown,
    /// Never sent on: connections end when it is dropped, and the listener with it.
    cut: watch::Sender<()>,
}

impl Listener {
    pub(crate) fn new(socket: TcpListener, router: Router, readiness: Readiness, limits: Limits) -> Self {
        Self {
            socket,
            router,
            readiness,
            limits,
            connections: GracefulShutdown::new(),
            cut: watch::Sender::default(),
        }
    }

    /// Takes connections until `stop`, then those that the kernel had taken by then.
    pub(crate) async fn accept_until(&self, stop: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.limits.connections));
        let accept = async {
            loop {
                // The semaphore is never closed.
                let permit = Arc::clone(&permits).acquire_owned().await.ok();
                let accepted = self.socket.accept().await;
                if let Some(connection) = self.connection(accepted).await {
                    tokio::spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept => {}
        }
        while let Some(Ok(accepted)) = self.socket.accept().now_or_never() {
            if let Some(connection) = self.connection(Ok(accepted)).await {
                tokio::spawn(connection);
            }
        }
    }

    /// Lets every connection finish the request that it is at, for as long as `grace`. What is left
    /// is cut off, so that its requests no longer wait for anything.
    pub(crate) async fn drain(self, grace: Duration) {
        // The kernel refuses from here on.
        drop(self.socket);
        settle(&self.connections).await;
        let open = self.connections.count();
        if timeout(grace, self.connections.shutdown()).await.is_err() {
            warn!(connections = open, ?grace, "requests were still under way, and are cut off");
        }
    }

    /// The future that serves one connection.
    async fn connection(
        &self,
        accepted: io::Result<(TcpStream, std::net::SocketAddr)>,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // The client gave up meanwhile, or this process has no descriptor left.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
                return None;
            }
        };
        // Answers are written whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY could not be set");
        }
        let (router, readiness) = (self.router.clone(), self.readiness.clone());
        let asked = Arc::new(AtomicBool::new(false));
        let has_asked = Arc::clone(&asked);
        let service = service_fn(move |mut request: Request<Incoming>| {
            has_asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(Peer(peer));
            answer(router.clone(), readiness.clone(), request)
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.limits.header_timeout);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = self.connections.watch(connection);
        let (mut cut, limit) = (self.cut.subscribe(), self.limits.header_timeout);
        Some(async move {
            tokio::select! {
                ended = watched => if let Err(error) = ended {
                    debug!(error, %peer, "a connection ended early");
                },
                () = silent(limit, &asked) => debug!(%peer, "a connection asked nothing"),
                _ = cut.changed() => debug!(%peer, "a connection was cut off"),
            }
        })
    }
}

/// Returns after the limit if no request was made by then, and never otherwise. hyper's own limit
/// begins when it knows which HTTP is spoken, and a client may keep that to itself.
async fn silent(limit: Duration, asked: &AtomicBool) {
    sleep(limit).await;
    if asked.load(Ordering::Relaxed) {
        pending::<()>().await;
    }
}

/// Waits for the requests that are on their way on connections that were opened last: closing
/// those as idle would lose them. Every answer closes its connection by now, so this ends early
/// where all have asked.
async fn settle(connections: &GracefulShutdown) {
    let since = Instant::now();
    while connections.count() > 0 && since.elapsed() < SETTLE {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Answers one request. While the instance is stopping each answer over HTTP/1.1 asks its client to
/// come back on another connection, which a load balancer then leads elsewhere.
async fn answer(
    mut router: Router,
    readiness: Readiness,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let version = request.version();
    let mut response = router.call(request).await?;
    if version < Version::HTTP_2 && readiness.is_stopping() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

//! A socket, who gets the connections that it takes, and how they end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::connection::Connection;
use crate::http::{Readiness, Service};

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

/// Who serves connections, and on which runtime.
#[derive(Debug)]
pub(crate) struct Server {
    runtime: Handle,
    service: Arc<Service>,
    /// Each connection holds a clone, so that they can be counted.
    load: Arc<()>,
}

impl Server {
    pub(crate) fn new(runtime: Handle, service: Service) -> Self {
        Self { runtime, service: Arc::new(service), load: Arc::default() }
    }
}

/// A bound socket with those who serve what it takes: a connection goes to the one with the fewest.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    servers: Vec<Server>,
    readiness: Readiness,
    limits: Limits,
    connections: GracefulShutdown,
    /// Connections end when it is dropped, and the listener with it.
    tasks: JoinSet<()>,
}

impl Listener {
    pub(crate) fn new(
        socket: TcpListener,
        servers: Vec<Server>,
        readiness: Readiness,
        limits: Limits,
    ) -> Self {
        Self {
            socket,
            servers,
            readiness,
            limits,
            connections: GracefulShutdown::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Takes connections until `stop`, then those that the kernel had taken by then.
    pub(crate) async fn accept_until(&mut self, stop: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.limits.connections));
        let accept = async {
            loop {
                // The semaphore is never closed.
                let permit = Arc::clone(&permits).acquire_owned().await.ok();
                match self.socket.accept().await {
                    Ok((stream, peer)) => self.hand_over(stream, peer, permit),
                    // The client gave up meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        // This process has no descriptor left.
                        warn!(%error, "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop => {}
            () = accept => {}
        }
        while let Some(Ok((stream, peer))) = self.socket.accept().now_or_never() {
            self.hand_over(stream, peer, None);
        }
    }

    /// Gives the connection to the server with the fewest.
    fn hand_over(&mut self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        let Some(server) = self.servers.iter().min_by_key(|server| Arc::strong_count(&server.load)) else {
            return;
        };
        let load = Arc::clone(&server.load);
        let connection = Connection::new(peer, Arc::clone(&server.service), self.readiness.clone());
        let (watcher, header_timeout) = (self.connections.watcher(), self.limits.header_timeout);
        let task = async move {
            connection.serve(stream, header_timeout, watcher).await;
            drop((load, permit));
        };
        self.tasks.spawn_on(task, &server.runtime);
        // Forgets those that have ended.
        while self.tasks.try_join_next().is_some() {}
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

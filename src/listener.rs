//! A socket, who gets the connections that it takes, and how they end.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
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

    /// Waits for the requests that are on their way on connections that were opened last: closing
    /// those as idle would lose them. Every answer closes its connection by now, so this ends early
    /// where all have asked. The time is that of the server's own runtime: one that was held up has
    /// read what came meanwhile when it is over.
    async fn settle(&self) {
        let connections = Arc::downgrade(&self.load);
        let settled = self.runtime.spawn(async move {
            let since = Instant::now();
            // One is the server's.
            while connections.strong_count() > 1 && since.elapsed() < SETTLE {
                sleep(Duration::from_millis(5)).await;
            }
        });
        // It ends early only with its runtime.
        let _ = settled.await;
    }
}

/// A bound socket, and what it has taken.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    connections: Connections,
}

impl Listener {
    pub(crate) fn new(
        socket: TcpListener,
        servers: Vec<Server>,
        readiness: Readiness,
        limits: Limits,
    ) -> Self {
        let (closing, tasks) = (GracefulShutdown::new(), JoinSet::new());
        Self { socket, connections: Connections { servers, readiness, limits, closing, tasks } }
    }

    /// Takes connections until `stop`, then those that the kernel had taken by then. It refuses from
    /// there on.
    pub(crate) async fn accept_until(mut self, stop: impl Future<Output = ()>) -> Connections {
        tokio::select! {
            () = stop => {}
            () = self.accept() => {}
        }
        let Self { socket, mut connections } = self;
        if let Err(error) = socket.into_std().and_then(|socket| connections.take_the_rest(&socket)) {
            warn!(%error, "the last connections could not be accepted");
        }
        connections
    }

    async fn accept(&mut self) {
        let permits = Arc::new(Semaphore::new(self.connections.limits.connections));
        loop {
            // The semaphore is never closed.
            let permit = Arc::clone(&permits).acquire_owned().await.ok();
            let accepted = self.socket.accept().await;
            match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
                Ok((stream, peer)) => self.connections.hand_over(stream, peer, permit),
                Err(error) if gave_up(&error) => {}
                Err(error) => {
                    // This process has no descriptor left.
                    warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether the client left before its connection was accepted.
fn gave_up(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

/// The connections that a listener took, with those who serve them.
#[derive(Debug)]
pub(crate) struct Connections {
    servers: Vec<Server>,
    readiness: Readiness,
    limits: Limits,
    closing: GracefulShutdown,
    /// Connections end when it is dropped.
    tasks: JoinSet<()>,
}

impl Connections {
    /// Gives the connection to the server with the fewest.
    fn hand_over(&mut self, stream: TcpStream, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>) {
        let Some(server) = self.servers.iter().min_by_key(|server| Arc::strong_count(&server.load)) else {
            return;
        };
        let load = Arc::clone(&server.load);
        let connection = Connection::new(peer, Arc::clone(&server.service), self.readiness.clone());
        let (watcher, header_timeout) = (self.closing.watcher(), self.limits.header_timeout);
        let task = async move {
            connection.serve(stream, header_timeout, watcher).await;
            drop((load, permit));
        };
        self.tasks.spawn_on(task, &server.runtime);
        // Forgets those that have ended.
        while self.tasks.try_join_next().is_some() {}
    }

    /// Asks the kernel itself: tokio would have heard of the last ones only at its next turn, and
    /// those that are left when the socket closes are reset with what their clients have sent. What
    /// comes between the last answer and the close, some microseconds, still is.
    fn take_the_rest(&mut self, socket: &std::net::TcpListener) -> io::Result<()> {
        loop {
            match socket.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.hand_over(stream, peer, None);
                }
                Err(error) if gave_up(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets every connection finish the request that it is at, for as long as `grace`. What is left
    /// is cut off, so that its requests no longer wait for anything.
    pub(crate) async fn drain(self, grace: Duration) {
        join_all(self.servers.iter().map(Server::settle)).await;
        let open = self.closing.count();
        if timeout(grace, self.closing.shutdown()).await.is_err() {
            warn!(connections = open, ?grace, "requests were still under way, and are cut off");
        }
    }
}

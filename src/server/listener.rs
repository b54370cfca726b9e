//! Binds a port, accepts connections, hands each to the least loaded worker, and drains them.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{info, warn};

use super::activity::Activity;
use super::connection::Connection;
use super::error::Error;
use super::slots::{Limits, Slots};
use crate::http::Service;
use crate::readiness::Readiness;

/// Most connections that the kernel queues until they are accepted, if `net.core.somaxconn` allows.
/// The 128 of `TcpListener::bind` are fewer than a load balancer may open at once, and a client that
/// finds the queue full retries only after a second.
const BACKLOG: u32 = 4096;

/// Most bytes of responses that the kernel takes from the service before it can send them to the client. Otherwise
/// it copies whole lists for clients that do not read, which counts against the memory of a container.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// Pause after a failed accept: most likely, the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Longest time for the first request on a new connection to arrive after the listener has stopped.
const SETTLE: Duration = Duration::from_millis(250);

/// Binds a port. `key` is the setting that `address` comes from.
pub(super) fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let failed = |source| Error::Bind { key, address, source };
    let socket = listen(address).map_err(failed)?;
    // The kernel replaces port 0 with a free port. Scripts read the port from this line.
    info!(key, address = %socket.local_addr().map_err(failed)?, "listening");
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Without this, a restart fails while connections of the previous process are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    // Connections inherit the limit. A kernel without it only uses more memory.
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT);
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A service, and the runtime that serves its connections.
#[derive(Debug)]
pub(super) struct WorkerHandle {
    runtime: Handle,
    service: Arc<Service>,
    /// Each connection holds a clone, so the count of clones is the worker's load.
    load: Arc<()>,
}

impl WorkerHandle {
    pub(super) fn new(runtime: Handle, service: Service) -> Self {
        Self { runtime, service: Arc::new(service), load: Arc::default() }
    }

    /// Waits for requests that are on their way on new connections, which would be lost if those
    /// connections were closed as idle. By now every response closes its connection, so the wait ends
    /// early once all clients have sent their request. The time is measured on the worker's own
    /// runtime: a runtime that was held up still reads the requests that arrived meanwhile.
    async fn settle(&self) {
        let connections = Arc::downgrade(&self.load);
        let settled = self.runtime.spawn(async move {
            let since = Instant::now();
            // The handle itself holds one clone.
            while connections.strong_count() > 1 && since.elapsed() < SETTLE {
                sleep(Duration::from_millis(5)).await;
            }
        });
        // The task fails only if its runtime ends.
        let _ = settled.await;
    }
}

/// A listening socket and its accepted connections.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    /// A connection that was accepted and waits for a slot.
    newcomer: Option<(TcpStream, SocketAddr)>,
    connections: Connections,
}

impl Listener {
    pub(super) fn new(
        socket: TcpListener,
        workers: Vec<WorkerHandle>,
        readiness: Readiness,
        limits: Limits,
    ) -> Self {
        let (slots, tasks) = (Slots::new(limits), JoinSet::new());
        let connections = Connections { workers, readiness, looks: limits.interval(), slots, tasks };
        Self { socket, newcomer: None, connections }
    }

    /// Accepts connections until `stop` resolves, then the connections that the kernel has queued. Later
    /// connections are refused.
    pub(super) async fn accept_until(mut self, stop: impl Future<Output = ()>) -> Connections {
        tokio::select! {
            () = stop => {}
            () = self.accept() => {}
        }
        let Self { socket, newcomer, mut connections } = self;
        if let Some((stream, peer)) = newcomer {
            connections.hand_over(stream, peer, None);
        }
        if let Err(error) = socket.into_std().and_then(|socket| connections.accept_queued(&socket)) {
            warn!(%error, "the connections that were queued at the stop could not be accepted");
        }
        connections
    }

    async fn accept(&mut self) {
        let mut looks = self.connections.looks();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = looks.tick() => {
                    self.connections.slots.look();
                    continue;
                }
            };
            match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
                Ok(accepted) => {
                    self.newcomer = Some(accepted);
                    let slot = self.connections.slots.acquire().await;
                    if let Some((stream, peer)) = self.newcomer.take() {
                        self.connections.hand_over(stream, peer, slot);
                    }
                }
                Err(error) if is_aborted(&error) => {}
                Err(error) => {
                    // Most likely, the process has no file descriptor left.
                    warn!(
                        %error,
                        "a connection could not be accepted; if no descriptor is left, raise the limit of open files"
                    );
                    self.connections.slots.make_room();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Returns whether the client left before its connection was accepted.
fn is_aborted(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionAborted
}

/// The connections that a listener accepted, and the workers that serve them.
#[derive(Debug)]
pub(super) struct Connections {
    workers: Vec<WorkerHandle>,
    readiness: Readiness,
    /// Time between two looks at the connections.
    looks: Duration,
    slots: Slots,
    /// A task for each connection. The connections end when this set is dropped.
    tasks: JoinSet<()>,
}

impl Connections {
    fn looks(&self) -> Interval {
        let mut looks = interval(self.looks);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks
    }

    /// Hands the connection to the worker with the fewest connections.
    fn hand_over(&mut self, stream: TcpStream, peer: SocketAddr, slot: Option<OwnedSemaphorePermit>) {
        let Some(worker) = self.workers.iter().min_by_key(|worker| Arc::strong_count(&worker.load)) else {
            return;
        };
        let load = Arc::clone(&worker.load);
        let activity = Arc::new(Activity::new());
        self.slots.add(&activity);
        let connection = Connection::new(peer, Arc::clone(&worker.service), self.readiness.clone(), activity);
        let task = async move {
            connection.serve(stream).await;
            drop((load, slot));
        };
        self.tasks.spawn_on(task, &worker.runtime);
        // Frees the entries of connections that have ended.
        while self.tasks.try_join_next().is_some() {}
    }

    /// Accepts the queued connections directly from the kernel. tokio would learn of the last ones only
    /// at its next turn, and the kernel resets the connections that are queued when the socket closes.
    /// A connection that arrives between the last accept and the close, within microseconds, is still
    /// reset.
    fn accept_queued(&mut self, socket: &std::net::TcpListener) -> io::Result<()> {
        loop {
            match socket.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.hand_over(stream, peer, None);
                }
                Err(error) if is_aborted(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets every connection finish its current request, for at most `grace`. Closes the connections
    /// that remain.
    pub(super) async fn drain(mut self, grace: Duration) {
        join_all(self.workers.iter().map(WorkerHandle::settle)).await;
        self.slots.finish();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(grace, ended).await.is_err() {
            let connections = self.tasks.len();
            warn!(connections, ?grace, "the grace period ended; requests under way are cut off");
        }
    }
}

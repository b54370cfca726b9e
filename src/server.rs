//! One instance: what it is made of, and the order in which it stops.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use prometheus::Registry;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::info;

use crate::config::Config;
use crate::cores::Core;
use crate::db::Postgres;
use crate::http::{Readiness, Service};
use crate::listener::{Limits, Listener, Server};

/// Probes and scrapes are few; this is against mistakes.
const ADMIN_LIMITS: Limits = Limits { connections: 64, header_timeout: Duration::from_secs(10) };

/// Most connections that the kernel holds until they are accepted, where `net.core.somaxconn` allows
/// it. Clients beyond them try again after a second: `TcpListener::bind` allows 128, fewer than there
/// may be when a load balancer opens all of its connections anew.
const BACKLOG: u32 = 4096;

/// An instance whose ports are bound.
#[derive(Debug)]
pub struct App {
    http: Listener,
    admin: Listener,
    readiness: Readiness,
    postgres: Postgres,
    cores: Vec<Core>,
    config: Config,
}

/// Why an instance cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port could not be bound.
    #[error("{key} = {address}: cannot listen there: {source}; choose another, or end what holds it")]
    Bind {
        /// The configuration's key.
        key: &'static str,
        /// What it says.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The machine has no thread left, or no file descriptor.
    #[error("http.threads = {threads}: cannot start them: {source}")]
    Threads {
        /// What the configuration says, or the machine has cores.
        threads: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
}

/// How an instance was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM: the lame duck first.
    Politely,
    /// Ctrl-C: a person waits, and no load balancer.
    Now,
}

impl App {
    /// Binds the ports and starts what runs in the background. It waits for nothing: where Postgres
    /// is away, the instance is alive and not ready.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime: the admin port and the checks run on the one that calls it.
    pub fn build(config: Config, registry: Registry) -> Result<Self, Error> {
        let postgres = Postgres::new(&config.database)?;
        let readiness = Readiness::new(postgres.watch(&config.readiness), config.readiness.database);
        let limits = Limits {
            connections: config.http.max_connections,
            header_timeout: config.http.header_timeout.get(),
        };
        let cores = start_cores(config.http.threads())?;
        let servers = cores.iter().map(|core| {
            let db = postgres.open(core.runtime(), cores.len());
            Server::new(core.runtime().clone(), Service::public(db, &config.http))
        });
        let http = Listener::new(
            bind("http.listen", config.http.listen.get())?,
            servers.collect(),
            readiness.clone(),
            limits,
        );
        let admin = Server::new(Handle::current(), Service::admin(readiness.clone(), registry));
        let admin = Listener::new(
            bind("admin.listen", config.admin.listen.get())?,
            vec![admin],
            readiness.clone(),
            ADMIN_LIMITS,
        );
        Ok(Self { http, admin, readiness, postgres, cores, config })
    }

    /// Serves until `stop`, and then stops in this order:
    ///
    /// 1. Not ready: `/readyz` says so from now on, and goes on saying it until the end.
    /// 2. Lame duck: it keeps serving, and asks each client to leave its connection, so that load
    ///    balancers have moved on before anything is refused.
    /// 3. It stops accepting, after it took what the kernel had already accepted.
    /// 4. Requests under way finish, within the grace period.
    /// 5. The batch queues are closed, and their workers finish what is queued.
    /// 6. The connections to Postgres are closed, then the threads that served, then the admin port.
    /// 7. Telemetry is flushed and the process exits with 0: that is `main`'s.
    pub async fn run(self, stop: impl Future<Output = Stop>) {
        let Self { http, admin, readiness, postgres, cores, config } = self;
        let (end, ended) = oneshot::channel::<()>();
        // `end` is dropped at the latest when this function is.
        let admin = tokio::spawn(admin.accept_until(async { drop(ended.await) }));

        let stop = async {
            let stop = stop.await;
            readiness.stop();
            let lame_duck =
                if stop == Stop::Politely { config.shutdown.lame_duck.get() } else { Duration::ZERO };
            info!(?lame_duck, "stopping");
            sleep(lame_duck).await;
        };
        let connections = http.accept_until(stop).await;
        connections.drain(config.shutdown.grace.get()).await;
        postgres.close().await;
        cores.into_iter().for_each(Core::stop);

        drop(end);
        if let Ok(connections) = admin.await {
            // A scrape that is under way may end.
            connections.drain(Duration::from_secs(1)).await;
        }
        info!("stopped");
    }
}

fn start_cores(threads: usize) -> Result<Vec<Core>, Error> {
    let cores: io::Result<_> = (0..threads).map(Core::start).collect();
    cores.map_err(|source| Error::Threads { threads, source })
}

fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let failed = |source| Error::Bind { key, address, source };
    let socket = listen(address).map_err(failed)?;
    // Port 0 becomes a real one here, and scripts read it from this line.
    info!(key, address = %socket.local_addr().map_err(failed)?, "listening");
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Else a restart could not listen while connections of the last one are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

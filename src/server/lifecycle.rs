//! Builds an instance, runs it, and stops it step by step.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::{info, warn};

use super::descriptors;
use super::error::Error;
use super::listener::{Listener, WorkerHandle, bind};
use super::slots::Limits;
use super::threads::WorkerThread;
use crate::config::{self, Config};
use crate::db::Postgres;
use crate::faults::Faults;
use crate::http::Service;
use crate::live::Live;
use crate::readiness::Readiness;

/// Limits of the admin port. Probes and scrapes need few connections, and send their requests at once.
const ADMIN_LIMITS: Limits = Limits {
    connections: 64,
    header_timeout: Duration::from_secs(10),
    write_timeout: Duration::from_secs(10),
    spare: Duration::from_millis(10),
};

/// A new connection to the API takes the place of no connection that was used within this time.
const SPARE: Duration = Duration::from_millis(100);

/// Longest time for a scrape under way to finish after everything else has stopped.
const ADMIN_GRACE: Duration = Duration::from_secs(1);

/// An instance whose ports are bound.
#[derive(Debug)]
pub struct Server {
    http: Listener,
    admin: Listener,
    live: Arc<Live>,
    readiness: Readiness,
    postgres: Postgres,
    threads: Vec<WorkerThread>,
    faults: Option<Faults>,
    config: Config,
}

/// A stopped instance. The instruments read it until it is dropped, so that the last export has their values.
#[derive(Debug)]
pub struct Stopped {
    _postgres: Postgres,
    _readiness: Readiness,
}

/// How to stop an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Serve through the lame duck first, after SIGTERM.
    Graceful,
    /// Skip the lame duck, after Ctrl-C: a person waits, and no load balancer.
    Immediate,
}

impl Server {
    /// Binds the ports and starts the background tasks. Does not wait for Postgres: until it is
    /// reachable, the instance is alive but not ready.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime. The admin port and the background checks run on the current
    /// one.
    pub fn build(config: Config, registry: Registry) -> Result<Self, Error> {
        let shares = descriptors::share(&config, ADMIN_LIMITS.connections);
        let faults = faults(&config.faults)?;
        let postgres = Postgres::new(&config.database, &config.reviews, faults.as_ref())?;
        let readiness = Readiness::new(
            postgres.watch(&config.readiness),
            postgres.failing(),
            faults.clone(),
            config.readiness.database,
        );
        let threads = start_threads(config.http.threads())?;
        let live = Arc::new(Live::new(registry.clone()));
        let workers = threads.iter().map(|thread| {
            let db = postgres.open(thread.runtime(), threads.len());
            let service = Service::public(db, Arc::clone(&live), faults.as_ref(), &config);
            WorkerHandle::new(thread.runtime().clone(), service)
        });
        let http = Listener::new(
            bind("http.listen", config.http.listen.get())?,
            workers.collect(),
            readiness.clone(),
            Limits {
                connections: shares.http,
                header_timeout: config.http.header_timeout.get(),
                write_timeout: config.http.write_timeout.get(),
                spare: SPARE,
            },
        );
        let admin = Service::admin(readiness.clone(), registry, faults.as_ref(), &config);
        let admin = WorkerHandle::new(Handle::current(), admin);
        let admin = Listener::new(
            bind("admin.listen", config.admin.listen.get())?,
            vec![admin],
            readiness.clone(),
            Limits { connections: shares.admin, ..ADMIN_LIMITS },
        );
        Ok(Self { http, admin, live, readiness, postgres, threads, faults, config })
    }

    /// Serves until `stop` resolves, then stops in this order:
    ///
    /// 1. Not ready: `/readyz` reports it from now on until the end. Injected faults end.
    /// 2. Lame duck: the instance keeps serving, and its HTTP/1.1 responses close their connections, so that
    ///    load balancers move away before a connection is refused.
    /// 3. The listener accepts the connections that the kernel has queued, then closes its socket.
    /// 4. The streams of the page's viewers end. Requests under way finish, within the grace period.
    /// 5. The batch queues close, and their workers finish the queued requests.
    /// 6. The connections to Postgres close, then the worker threads end, then the admin port closes.
    /// 7. `main` flushes telemetry and exits with 0.
    pub async fn run(self, stop: impl Future<Output = StopMode>) -> Stopped {
        let Self { http, admin, live, readiness, postgres, threads, faults, config } = self;
        // The admin port stops when `stop_admin` is dropped, at the latest at the end of this function.
        let (stop_admin, admin_stopped) = oneshot::channel::<()>();
        let admin = tokio::spawn(admin.accept_until(async { drop(admin_stopped.await) }));

        let stop = async {
            let mode = stop.await;
            readiness.stop();
            faults.iter().for_each(Faults::stop);
            let lame_duck = match mode {
                StopMode::Graceful => config.shutdown.lame_duck.get(),
                StopMode::Immediate => Duration::ZERO,
            };
            info!(?lame_duck, "stopping");
            sleep(lame_duck).await;
        };
        let connections = http.accept_until(stop).await;
        live.stop();
        connections.drain(config.shutdown.grace.get()).await;
        postgres.close().await;
        threads.into_iter().for_each(WorkerThread::stop);

        drop(stop_admin);
        if let Ok(connections) = admin.await {
            connections.drain(ADMIN_GRACE).await;
        }
        info!("stopped");
        Stopped { _postgres: postgres, _readiness: readiness }
    }
}

/// Returns the fault switch, if it is enabled.
fn faults(config: &config::Faults) -> Result<Option<Faults>, config::Error> {
    if !config.enabled {
        return Ok(None);
    }
    config.read_token()?;
    warn!(
        "faults.enabled is true: whoever has the token can make this instance fail, through /faults/ on the admin port"
    );
    Ok(Some(Faults::new()))
}

fn start_threads(count: usize) -> Result<Vec<WorkerThread>, Error> {
    let threads: io::Result<_> = (0..count).map(WorkerThread::start).collect();
    threads.map_err(|source| Error::Threads { threads: count, source })
}

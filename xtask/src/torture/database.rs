//! The primary, and its synchronous replica if there are failovers.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::{Client, NoTls};

use super::disk::Disk;
use crate::postgres::{Durable, Installation};
use crate::process::until;

/// Crash recovery, twice if Postgres ends during the first.
const RECOVERY: Duration = Duration::from_mins(1);
const REPLICATION: Duration = Duration::from_secs(30);

/// The replica has everything up to this position on its disk.
const CAUGHT_UP: &str = "select from pg_stat_replication
    where state = 'streaming' and sync_state = 'sync' and flush_lsn >= $1::text::pg_lsn";

pub(super) struct Database {
    pub(super) primary: Durable,
    replica: Option<Durable>,
    installation: Installation,
    // Dropped after the servers, whose data it has.
    pub(super) disk: Option<Disk>,
}

impl Database {
    /// Starts a primary with no tables.
    pub(super) fn start(installation: Installation, disk: Option<Disk>) -> Result<Self> {
        let primary = Durable::create(&installation, &folder(disk.as_ref()))?;
        Ok(Self { primary, replica: None, installation, disk })
    }

    /// Makes a replica, which the primary from then on waits for.
    pub(super) fn replicate(&mut self) -> Result<()> {
        let folder = folder(self.disk.as_ref());
        self.replica = Some(Durable::replica_of(&self.installation, &self.primary, &folder)?);
        let mut client = self.connect()?;
        for statement in ["alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"] {
            client.simple_query(statement).context("cannot make the replica synchronous")?;
        }
        self.await_replica()
    }

    /// Waits until the replica has all that any client can have seen. After a crash, Postgres shows commits
    /// that it has not replicated yet, and no failover may come before they are.
    fn await_replica(&self) -> Result<()> {
        let mut client = self.connect()?;
        let position = client.query_one("select pg_current_wal_lsn()::text", &[])?;
        let position: String = position.get(0);
        let caught_up =
            until(REPLICATION, None, || Ok(client.query_opt(CAUGHT_UP, &[&position])?.map(|_| ())))?;
        caught_up.with_context(|| format!("the replica has not caught up after {REPLICATION:?}"))
    }

    /// Kills the primary and promotes the replica. Returns how long that took. There is no replica after it.
    pub(super) fn promote(&mut self) -> Result<Duration> {
        self.await_replica()?;
        let replica = self.replica.take().context("there is no replica in this run")?;
        let begin = Instant::now();
        self.primary.kill()?;
        self.primary = replica;
        self.connect()?.query_one("select pg_promote()", &[]).context("cannot promote the replica")?;
        self.recover()?;
        Ok(begin.elapsed())
    }

    /// Waits until the primary accepts queries. Starts servers that have ended.
    pub(super) fn recover(&mut self) -> Result<()> {
        let recovered = until(RECOVERY, None, || {
            self.primary.start(&self.installation)?;
            if let Some(replica) = &mut self.replica {
                replica.start(&self.installation)?;
            }
            Ok(self.connect().and_then(|mut client| Ok(client.simple_query("select")?)).ok())
        })?;
        recovered.map(|_| ()).with_context(|| {
            format!("Postgres accepts no query after {RECOVERY:?}: see {}", self.primary.folder().display())
        })
    }

    pub(super) fn connect(&self) -> Result<Client> {
        Client::connect(&self.primary.url(), NoTls).context("cannot connect to the primary")
    }

    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.primary.port()))
    }
}

fn folder(disk: Option<&Disk>) -> PathBuf {
    disk.map_or_else(env::temp_dir, |disk| disk.path().to_owned())
}

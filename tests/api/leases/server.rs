//! A Postgres of the test's own, which can be restarted and copied. It uses the programs of the Postgres
//! that all tests share.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgPool};

use crate::support::until;

/// A server whose data are deleted when this value is dropped.
pub(super) struct Server {
    programs: PathBuf,
    /// The user that may run the programs.
    account: u32,
    /// Holds the data and the socket. No other user can enter it, so no password is needed. A port could
    /// be taken by another process during a restart.
    folder: PathBuf,
    process: Option<Child>,
}

/// Returns the folder of the shared Postgres's programs. Returns `None`, with a line, if a program is not
/// on this machine.
pub(super) async fn programs(shared: &PgPool, names: &[&str]) -> Option<PathBuf> {
    let folder: String = sqlx::query_scalar("select setting from pg_config where name = 'BINDIR'")
        .fetch_one(shared)
        .await
        .unwrap();
    let folder = PathBuf::from(folder);
    // A Postgres on another machine, or in a container, has its programs there.
    if let Some(missing) = names.iter().find(|name| !folder.join(name).is_file()) {
        eprintln!("skipped: {missing} is not installed in {}", folder.display());
        return None;
    }
    Some(folder)
}

impl Server {
    /// Starts a server with new data. Returns `None`, with a line, if the programs are not on this machine.
    pub(super) async fn start(shared: &PgPool) -> Option<Self> {
        let programs = programs(shared, &["initdb", "postgres"]).await?;
        let (data, database): (String, i64) = sqlx::query_as(
            "select current_setting('data_directory'), oid::bigint from pg_database where datname = current_database()",
        )
        .fetch_one(shared)
        .await
        .unwrap();
        // Postgres does not run as root, so the shared one runs as a user that can.
        let Ok(data) = fs::metadata(data) else {
            eprintln!("skipped: the Postgres of the tests is not on this machine");
            return None;
        };
        let account = data.uid();
        let folder = std::env::temp_dir().join(format!("films-{}-{database}", std::process::id()));
        let mut server = Self::new(programs, account, folder);
        let mut command = server.command("initdb");
        command.args(["--username=films", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let output = command.arg("--pgdata").arg(server.data()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        server.resume().await;
        Some(server)
    }

    /// Starts a standby of this server, which is restarted for the copy.
    pub(super) async fn standby(&mut self) -> Self {
        self.stop(Signal::INT);
        let folder = self.folder.with_added_extension("standby");
        let mut standby = Self::new(self.programs.clone(), self.account, folder);
        let mut copy = self.command_at(Path::new("cp"));
        assert!(copy.arg("-R").arg(self.data()).arg(standby.data()).status().unwrap().success());
        fs::write(standby.data().join("standby.signal"), "").unwrap();
        let primary = format!("primary_conninfo = '{}'\n", self.connection());
        fs::write(standby.data().join("postgresql.auto.conf"), primary).unwrap();
        self.resume().await;
        standby.resume().await;
        standby
    }

    /// Ends the server as a crash does, and starts it again.
    pub(super) async fn restart(&mut self) {
        self.stop(Signal::QUIT);
        self.resume().await;
    }

    /// Connects to a database of this server.
    pub(super) fn pool(&self, database: &str) -> PgPool {
        PgPool::connect_lazy_with(self.options().database(database))
    }

    /// Returns the server's place as clients of Postgres write it.
    pub(super) fn connection(&self) -> String {
        format!("host={} user=films", self.folder.display())
    }

    fn new(programs: PathBuf, account: u32, folder: PathBuf) -> Self {
        DirBuilder::new().mode(0o700).create(&folder).unwrap();
        chown(&folder, Some(account), None).unwrap();
        Self { programs, account, folder, process: None }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.folder).username("films").database("postgres")
    }

    fn command(&self, program: &str) -> Command {
        self.command_at(&self.programs.join(program))
    }

    fn command_at(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.uid(self.account).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    async fn resume(&mut self) {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args([
            "--listen_addresses=",
            "--fsync=off",
            "--wal_level=logical",
        ]);
        command.args(["--max_connections=50", "--max_prepared_transactions=20", "--shared_buffers=16MB"]);
        command.arg(format!("--unix_socket_directories={}", self.folder.display()));
        let log = fs::File::create(self.folder.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        until("the server accepts sessions", async || match self.options().connect().await {
            Ok(_) => Ok(()),
            Err(error) => Err((error, fs::read_to_string(self.folder.join("log")))),
        })
        .await;
    }

    fn stop(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            let id = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
            kill_process(id, signal).unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Signal::QUIT);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

//! A PgBouncer in transaction mode in front of the test's database.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::{ConnectOptions as _, PgPool};
use tokio::net::TcpStream;

use super::command::{Variables, variables};
use super::wait::until;

/// A running PgBouncer. It is killed when this value is dropped.
pub(crate) struct PgBouncer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl PgBouncer {
    /// Starts a PgBouncer with two sessions of Postgres for all clients. Returns `None`, with a line on stderr, if
    /// PgBouncer is not installed.
    pub(crate) async fn start(pool: &PgPool) -> Option<Self> {
        let program = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/usr/local/bin/pgbouncer",
            "/opt/homebrew/bin/pgbouncer",
        ];
        let Some(program) = program.into_iter().find(|path| Path::new(path).exists()) else {
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = pool.connect_options();
        let name = options.get_database().unwrap();
        let folder = std::env::temp_dir().join(format!("films-pgbouncer-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let password = options.to_url_lossy().password().unwrap_or_default().to_owned();
        let users = format!("\"{}\" \"{password}\"\n", options.get_username());
        std::fs::write(folder.join("users.txt"), users).unwrap();
        let settings = format!(
            "[databases]\n{name} = host={} port={}\n[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 2\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {}\n",
            options.get_host(),
            options.get_port(),
            folder.join("users.txt").display(),
        );
        std::fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
        let mut command = Command::new(program);
        command.arg(folder.join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null());
        // PgBouncer refuses to run as root.
        let is_root =
            std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            command.args(["-u", "nobody"]);
        }
        let bouncer = Self { child: command.spawn().unwrap(), folder, port };
        until("pgbouncer listens", async || TcpStream::connect(("127.0.0.1", port)).await.map(drop)).await;
        Some(bouncer)
    }

    /// Returns the variables of an instance that connects through this PgBouncer.
    pub(crate) fn variables(&self, pool: &PgPool) -> Variables {
        let mut variables = variables(pool);
        let options = (*pool.connect_options()).clone().host("127.0.0.1").port(self.port);
        variables.insert("DATABASE_URL".to_owned(), options.to_url_lossy().to_string());
        variables
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

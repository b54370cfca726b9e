//! The binary and its environment variables.

use std::collections::BTreeMap;

use sqlx::{ConnectOptions as _, PgPool};
use tokio::process::Command;
use tokio::time::timeout;

use super::wait::TIMEOUT;

/// Environment variables of the binary.
pub(crate) type Variables = BTreeMap<String, String>;

/// Returns the variables of most tests: this database, free ports, and no lame duck. The timeouts are
/// long, so that a request does not fail only because the machine is busy.
pub(crate) fn variables(pool: &PgPool) -> Variables {
    set(&[
        ("DATABASE_URL", pool.connect_options().to_url_lossy().as_str()),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "40s"),
        ("FILMS__HTTP__BODY_TIMEOUT", "30s"),
        ("FILMS__DATABASE__CONNECT_TIMEOUT", "30s"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "30s"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("FILMS__READINESS__INTERVAL", "100ms"),
    ])
}

/// Returns these pairs as variables.
pub(crate) fn set(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns the binary as a command with these variables only: the test's own are not inherited.
pub(crate) fn command(variables: &Variables, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_films"));
    command.env_clear().envs(variables).args(arguments).kill_on_drop(true);
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary until it ends.
pub(crate) async fn run(variables: &Variables, arguments: &[&str]) -> Ended {
    let output = timeout(TIMEOUT, command(variables, arguments).output());
    let output = output.await.unwrap_or_else(|_| panic!("films {arguments:?} does not end")).unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

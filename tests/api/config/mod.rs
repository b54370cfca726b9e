//! Tests of the command line and the configuration: refused values, precedence, and the printed
//! configuration.

mod command_line;
mod database;
mod hostile;
mod opentelemetry;
mod precedence;
mod ranges;
mod refused;
mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use toml::{Table, Value};

use crate::support::{Ended, Films, TIMEOUT, command, run, set, variables};

const SECRET: &str = "s3cret";

/// Writes a file in the temporary directory of the tests.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    run(&set(variables), arguments).await
}

/// Checks that the configuration was refused with exit code 64 and one line. Returns the line without its
/// prefix.
#[track_caller]
fn refusal(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""), "{ended:?}");
    let line = ended.stderr.strip_suffix('\n').expect("stderr is one line");
    assert!(!line.contains('\n'), "more than one line: {line}");
    assert!(!line.contains(SECRET), "a password is shown: {line}");
    line.strip_prefix("films: invalid configuration: ").unwrap_or_else(|| panic!("{line}"))
}

/// Checks that the variables are refused with a line that contains each text of `named`.
async fn assert_refused(variables: &[(&str, &str)], named: &[&str]) {
    let ended = run_with(variables, &["config"]).await;
    for name in named {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// Checks that a file is refused with a line that contains the file's name and each text of `named`.
async fn assert_file_refused(name: &str, content: &str, named: &[&str]) {
    let path = file(name, content);
    let ended = run_with(&[], &["--config", text(&path), "config"]).await;
    for name in named.iter().chain([&name]) {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// Returns the configuration that `films config` prints.
async fn effective(variables: &[(&str, &str)], arguments: &[&str]) -> Table {
    let ended = run_with(variables, &[arguments, &["config"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout.parse().unwrap()
}

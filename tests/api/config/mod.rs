//! The command line and the configuration: what is refused and how, what wins over what, and what
//! is shown of it.

mod command_line;
mod database;
mod precedence;
mod refused;
mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use toml::{Table, Value};

use crate::support::{Ended, Films, PATIENCE, command, run, set, variables};

const SECRET: &str = "s3cret";

/// A file of this name with this text.
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

/// Checks that the configuration is refused with exit code 64 and one line, and returns what the
/// line says.
#[track_caller]
fn refusal(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""), "{ended:?}");
    let line = ended.stderr.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "more than one line: {line}");
    assert!(!line.contains(SECRET), "a password is shown: {line}");
    line.strip_prefix("films: invalid configuration: ").unwrap_or_else(|| panic!("{line}"))
}

/// Checks that these variables are refused with words that name all of this.
async fn assert_refused(variables: &[(&str, &str)], named: &[&str]) {
    let ended = run_with(variables, &["config"]).await;
    for name in named {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// [`assert_refused`], of a file.
async fn assert_file_refused(name: &str, content: &str, named: &[&str]) {
    let path = file(name, content);
    let ended = run_with(&[], &["--config", text(&path), "config"]).await;
    for name in named.iter().chain([&name]) {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// What `films config` prints.
async fn effective(variables: &[(&str, &str)], arguments: &[&str]) -> Table {
    let ended = run_with(variables, &[arguments, &["config"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout.parse().unwrap()
}

//! Memory of idle connections.

use std::fs;

use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::PgPool;

use super::{get_film, keep_alive};
use crate::support::Films;

const CONNECTIONS: usize = 2_000;
/// Twice what a connection takes after a request.
const BYTES_EACH: usize = 40 * 1024;

/// Returns the resident memory of the instance in bytes.
fn resident(films: &Films) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", films.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[cfg(target_os = "linux")]
async fn an_idle_connection_takes_little_memory(pool: PgPool) {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).unwrap();
    let films = Films::start(&pool).await;
    let before = resident(&films);
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS / 100 {
        idle.extend(join_all((0..100).map(|_| keep_alive(&films))).await);
    }
    let grown = resident(&films).saturating_sub(before);
    assert!(grown < CONNECTIONS * BYTES_EACH, "{grown} bytes for {CONNECTIONS} connections");
    // All of them are served still.
    let responses = join_all(idle.iter_mut().map(get_film)).await;
    assert_eq!(responses.iter().flatten().count(), CONNECTIONS);
}

//! The memory that the service needs for clients that do nothing or read slowly.
//!
//! The tests of many clients print the figures of PERFORMANCE.md and are started by hand:
//! `cargo xtask test -- --test api connections::memory -- --ignored --nocapture --test-threads 1`.

#![cfg(target_os = "linux")]

mod idle;
mod slow;

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sqlx::PgPool;

use crate::support::Films;

/// Twice what the service lets the kernel hold for a client.
const QUEUED: usize = 256 * 1024;

/// Starts an instance that ends no connection by itself, and allows this process as many connections as possible.
async fn start(pool: &PgPool) -> Films {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }).unwrap();
    let patience = [("FILMS__HTTP__HEADER_TIMEOUT", "1h"), ("FILMS__HTTP__WRITE_TIMEOUT", "1h")];
    Films::start_with(pool, &patience).await
}

/// Returns the resident memory of the instance in bytes.
fn resident(films: &Films) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", films.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

/// Returns the bytes that the kernel holds for the clients of the instance. They come on top of its own memory,
/// and count against the limit of a container too.
fn queued(films: &Films) -> usize {
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X}", films.http.port());
    let queue = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, queues) = (fields.next()?, fields.nth(2)?);
        let (sent, _) = queues.split_once(':').filter(|_| local.ends_with(&port))?;
        usize::from_str_radix(sent, 16).ok()
    };
    connections.lines().filter_map(queue).sum()
}

/// Prints how much memory the clients take, and checks that each takes less than `most` bytes, and about as
/// much in the kernel as the service lets it hold.
fn check(films: &Films, what: &str, clients: usize, before: usize, most: usize) {
    let (now, queued) = (resident(films), queued(films) / clients);
    let each = now.saturating_sub(before) / clients;
    let (before, now) = (mega(before), mega(now));
    println!(
        "{clients} {what}: {before} MB before, {now} MB with them, {each} bytes each, {queued} in the kernel"
    );
    assert!(each < most, "{clients} {what}: {each} bytes each, expected less than {most}");
    assert!(
        queued < QUEUED,
        "{clients} {what}: {queued} bytes each in the kernel, expected less than {QUEUED}"
    );
}

fn mega(bytes: usize) -> usize {
    bytes / 1_000_000
}

//! The memory that clients take which do nothing or read slowly.
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

/// Returns the buffers of all TCP connections of the machine in bytes. They are memory of the kernel, and come on
/// top of an instance's own.
fn tcp_buffers() -> usize {
    let sockets = fs::read_to_string("/proc/net/sockstat").unwrap();
    let line = sockets.lines().find_map(|line| line.strip_prefix("TCP: ")).unwrap();
    line.split_whitespace().last().unwrap().parse::<usize>().unwrap() * 4096
}

/// Prints how much memory the clients take, and checks that each takes less than `most` bytes.
fn check(films: &Films, what: &str, clients: usize, before: usize, most: usize) {
    let now = resident(films);
    let each = now.saturating_sub(before) / clients;
    let (before, now, kernel) = (mega(before), mega(now), mega(tcp_buffers()));
    println!(
        "{clients} {what}: {before} MB before, {now} MB with them, {each} bytes each, {kernel} MB in TCP buffers"
    );
    assert!(each < most, "{clients} {what}: {each} bytes each, expected less than {most}");
}

fn mega(bytes: usize) -> usize {
    bytes / 1_000_000
}

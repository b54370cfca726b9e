//! The limit of open files.

use std::fs;

use sqlx::PgPool;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::{Films, run, variables};

/// Starts an instance under a limit that the shell sets.
async fn start(pool: &PgPool, limit: &str) -> Films {
    let variables = variables(pool);
    assert_eq!(run(&variables, &["seed"]).await.code, Some(0));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit} && exec \"$0\" serve"), env!("CARGO_BIN_EXE_films")]);
    shell.env_clear().envs(&variables).kill_on_drop(true);
    let films = Films::spawn_as(shell).await;
    films.until_ready().await;
    films
}

fn is_warning(line: &serde_json::Value) -> bool {
    line["message"].as_str().is_some_and(|text| text.contains("the limit of open files"))
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn few_descriptors_are_shared_and_nobody_is_locked_out(pool: PgPool) {
    let films = start(&pool, "-n 64").await;
    let line = films.until_logged(is_warning).await;
    assert_eq!((line["max_connections"].as_u64(), line["limit"].as_u64()), (Some(10_000), Some(64)));
    assert!((1..64).contains(&line["connections"].as_u64().unwrap()), "{line}");
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(films.http).await.unwrap());
    }
    for _ in 0..3 {
        assert_eq!(films.get("/films/995/").await.status, 200);
        assert_eq!(films.admin("/healthz").await.status, 200);
        assert_eq!(films.admin("/readyz").await.status, 200);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[cfg(target_os = "linux")]
async fn the_soft_limit_is_raised(pool: PgPool) {
    // The hard limit of the machine may be low itself.
    let hard = output_of("ulimit -Hn").await;
    let films = start(&pool, "-Sn 64").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", films.pid())).unwrap();
    let row = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let soft: u64 = row.split_whitespace().next().unwrap().parse().unwrap();
    let expected = hard.parse().map_or(10_000, |hard: u64| hard.min(10_000));
    assert!(soft >= expected, "{row}");
    assert_eq!(films.stop().await.iter().any(is_warning), expected < 10_000);
}

async fn output_of(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

//! Tests of the commit check.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::{env, fs, thread};

use super::*;

/// Starts a server that accepts every review and stores none, as the article's application did.
fn server_that_stores_nothing() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    Ok(url)
}

/// Returns the URL of a database with an empty table of reviews in a schema of its own, because other
/// tests write to the tables of the database.
fn database(schema: &str) -> Result<String> {
    let database = env::var("DATABASE_URL").context("DATABASE_URL is not set: use `cargo xtask test`")?;
    let setup = format!(
        "create schema if not exists {schema}; drop table if exists {schema}.review; \
         create table {schema}.review (rating int)"
    );
    Client::connect(&database, NoTls)?.batch_execute(&setup)?;
    Ok(format!("{database}?options=-csearch_path%3D{schema}"))
}

/// Returns a result file with 159 accepted reviews of servers with a database.
fn result() -> serde_json::Value {
    let round = |requests, status| {
        serde_json::json!({
            "round": 1, "requests": requests, "seconds": 1.0, "generator_cores": 0.1, "server": null,
            "errors": {"status": status, "connect": 0, "read": 0, "write": 0, "timeout": 0},
            "latency_ms": {"mean": 1.0, "p50": 1.0, "p90": 1.0, "p99": 1.0, "p999": 1.0, "max": 1.0},
        })
    };
    serde_json::json!({
        "schema": loadtest::result::SCHEMA, "started": "", "finished": "", "interrupted": false,
        "machine": {"cpu": "", "cores": 1, "memory": 1, "kernel": "linux"}, "generator": "wrk 4",
        "metadata": {}, "targets": [], "external": [],
        "options": {"workload": "article", "rounds": 2, "seconds": 1, "warmup_seconds": 1, "connections": 1,
                    "threads": 1, "rate": null, "reference": "films", "repeat": "films again", "ceiling": null},
        "rows": [
            {"route": "post", "target": "films", "rounds": [round(100, 1), round(50, 0)]},
            {"route": "post", "target": "films again", "rounds": [round(10, 0)]},
            {"route": "post", "target": "ceiling", "rounds": [round(1000, 0)]},
            {"route": "one", "target": "films", "rounds": [round(1000, 0)]},
        ],
    })
}

#[test]
fn a_server_that_does_not_commit_is_found() -> Result<()> {
    let error = check_server(&database("uncommitted")?, "server", &server_that_stores_nothing()?);
    let error = error.map_err(|error| error.to_string());
    assert!(error.as_ref().is_err_and(|error| error.contains("server accepted 5 reviews")), "{error:?}");
    Ok(())
}

#[test]
fn only_servers_that_store_reviews_count() -> Result<()> {
    assert_eq!(accepted(&Run::parse(&result().to_string())?)?, Some(159));
    let without = result().to_string().replace(r#""route":"post""#, r#""route":"mixed""#);
    assert_eq!(accepted(&Run::parse(&without)?)?, None);
    Ok(())
}

#[test]
fn a_result_without_the_counts_is_an_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("result.json");
    fs::write(&file, result().to_string().replace(r#""requests":"#, r#""responses":"#))?;
    let error = check_total(&database("renamed")?, 0, &file).map_err(|error| format!("{error:#}"));
    assert!(error.as_ref().is_err_and(|error| error.contains("requests")), "{error:?}");
    Ok(())
}

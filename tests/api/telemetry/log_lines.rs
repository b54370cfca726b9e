//! Log lines on stdout.

use std::process::Stdio;

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use super::instances::{spawn, start};
use crate::support::collector::{Collector, GRPC};
use crate::support::http::send;
use crate::support::{TIMEOUT, command, set, variables};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_log_line_of_a_request_has_the_ids_of_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = start(&pool, &collector, &[("FILMS__LOG__FILTER", "info,films::http=debug")]).await;
    films.get("/films/995/").await;
    let line = films.until_logged(|line| line["path"] == "/films/995/").await;
    let span = collector.server_span().await;
    assert_eq!(line["trace_id"], span.trace_id.as_str(), "{line:#}");
    assert_eq!(line["span_id"], span.id.as_str(), "{line:#}");
    assert_eq!((&line["method"], &line["status"]), (&json!("GET"), &json!(200)), "{line:#}");
    assert!(line["duration_ms"].as_f64().unwrap() > 0.0, "{line:#}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn log_lines_are_json_without_a_terminal(pool: PgPool) {
    let films = spawn(&pool, &[("FILMS__LOG__FILTER", "info,films::http=debug")]).await;
    films.get("/films/").await;
    let log = films.stop().await;
    for line in &log {
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "no {key} in {line:#}");
        }
    }
    let request = log.iter().find(|line| line["message"] == "request").expect("a line of the request");
    assert_eq!(request.get("trace_id"), None, "without a collector there is no trace: {request:#}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn probes_are_not_logged(pool: PgPool) {
    let films = spawn(&pool, &[("FILMS__LOG__FILTER", "films=trace")]).await;
    films.admin("/healthz").await;
    films.admin("/metrics").await;
    films.get("/films/").await;
    let log = films.stop().await;
    let paths: Vec<&Value> = log.iter().filter_map(|line| line.get("path")).collect();
    assert_eq!(paths, [&json!("/films/")]);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn log_lines_are_text_if_so_configured(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let mut variables = variables(&pool);
    variables.extend(set(&collector.variables()));
    variables.extend(set(&[("FILMS__LOG__FORMAT", "text"), ("RUST_LOG", "info,films::http=debug")]));
    let mut films = command(&variables, &["serve"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(films.stdout.take().unwrap()).lines();

    let listening = line(&mut lines, "http.listen").await;
    assert!(!listening.contains('\u{1b}'), "colours without a terminal: {listening:?}");
    let (_, address) = listening.split_once("address=").unwrap();
    let address = address.split_whitespace().next().unwrap().parse().unwrap();
    send(address, "GET", "/films/", &[], "").await;
    let request = line(&mut lines, "path=").await;
    let span = collector.server_span().await;
    assert!(request.starts_with(&format!("{} {} ", span.trace_id, span.id)), "{request}");
    assert!(request.contains("DEBUG") && request.contains("status=200"), "{request}");
}

/// Reads lines until one contains this text.
async fn line(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> String {
    loop {
        let line = timeout(TIMEOUT, lines.next_line()).await.expect("a line");
        let line = line.unwrap().unwrap_or_else(|| panic!("no line contains {text}"));
        if line.contains(text) {
            return line;
        }
    }
}

//! What the service tells of itself: traces, metrics and logs, as a collector, a scrape and a reader
//! of stdout get them.

mod batches;
mod context;
mod export;
mod lines;
mod scrape;
mod spans;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::ChildStdout;
use tokio::time::{sleep, timeout};

use crate::support::collector::{Collector, GRPC, HTTP, Span, SpanKind, StatusCode, black_hole};
use crate::support::http::{Answer, send, send_h2};
use crate::support::{Films, PATIENCE, command, set, variables};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A seeded instance that exports to the collector.
async fn start(pool: &PgPool, collector: &Collector, more: &[(&str, &str)]) -> Films {
    Films::start_with(pool, &[&collector.variables(), more].concat()).await
}

/// An instance on an empty catalogue, with these variables.
async fn spawn(pool: &PgPool, more: &[(&str, &str)]) -> Films {
    let mut variables = variables(pool);
    variables.extend(set(more));
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    films
}

/// An instance whose database is not there.
async fn spawn_without_database(more: &[(&str, &str)]) -> Films {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut variables = set(&[
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("DATABASE_URL", &format!("postgres://{free}/films")),
    ]);
    variables.extend(set(more));
    Films::spawn(&variables).await
}

async fn get_traced(films: &Films, path: &str, traceparent: &str) -> Answer {
    send(films.http, "GET", path, &[("traceparent", traceparent)], "").await
}

/// Waits until this holds.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn assert_attributes(span: &Span, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(span.attributes.get(name), Some(value), "{name} of {span:#?}");
    }
}

/// Whether the parents of `span` lead to `ancestor`.
fn descends(span: &Span, ancestor: &Span, spans: &[Span]) -> bool {
    let mut id = &span.parent;
    while *id != ancestor.id {
        let Some(parent) = spans.iter().find(|span| span.id == *id) else { return false };
        id = &parent.parent;
    }
    span.trace_id == ancestor.trace_id
}

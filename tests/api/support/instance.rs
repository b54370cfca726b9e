//! A running instance of the service.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::command::{Variables, command, run, set, variables};
use super::http::{self, Response};
use super::wait::{TIMEOUT, until};

/// A running instance. It is killed when this value is dropped.
pub(crate) struct Films {
    child: Child,
    log: Log,
    /// Ends with the instance's last line.
    reader: JoinHandle<()>,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// The lines that an instance has written to stdout.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Films {
    /// Seeds the database, starts an instance, and waits until it is ready.
    pub(crate) async fn start(pool: &PgPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    /// Like [`Films::start`], with more variables.
    pub(crate) async fn start_with(pool: &PgPool, more: &[(&str, &str)]) -> Self {
        let mut variables = variables(pool);
        variables.extend(set(more));
        let seeded = run(&variables, &["seed"]).await;
        assert_eq!(seeded.code, Some(0), "{seeded:?}");
        let films = Self::spawn(&variables).await;
        films.until_ready().await;
        films
    }

    /// Starts an instance and waits until it listens.
    pub(crate) async fn spawn(variables: &Variables) -> Self {
        Self::spawn_as(command(variables, &["serve"])).await
    }

    /// Like [`Films::spawn`], with a command that becomes the instance.
    pub(crate) async fn spawn_as(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let reader = tokio::spawn(log.clone().read(child.stdout.take().unwrap()));
        let http = log.address("http.listen").await;
        let admin = log.address("admin.listen").await;
        Self { child, log, reader, http, admin }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        http::send(self.http, "GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Response {
        http::send(self.http, "POST", path, &[("content-type", "application/json")], body).await
    }

    /// Posts a review with an idempotency key.
    pub(crate) async fn post_keyed(&self, key: &str, body: &str) -> Response {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        http::send(self.http, "POST", "/reviews/", &headers, body).await
    }

    /// Sends a GET request to the admin port.
    pub(crate) async fn admin(&self, path: &str) -> Response {
        http::send(self.admin, "GET", path, &[], "").await
    }

    /// Waits until the instance is ready.
    pub(crate) async fn until_ready(&self) {
        self.until_readiness(|response| response.status == 200).await;
    }

    /// Waits until the response of `/readyz` is the expected one, and returns it.
    pub(crate) async fn until_readiness(&self, is_expected: impl Fn(&Response) -> bool) -> Response {
        until("the expected readiness", async || {
            let response = self.admin("/readyz").await;
            if is_expected(&response) { Ok(response) } else { Err(response) }
        })
        .await
    }

    /// Waits until the response to GET has this status. For limits so short that a busy machine
    /// exceeds them now and then.
    pub(crate) async fn until_status(&self, path: &str, status: u16) -> Response {
        until(&format!("{status} for {path}"), async || {
            let response = self.get(path).await;
            if response.status == status { Ok(response) } else { Err(response) }
        })
        .await
    }

    /// Posts a review until the response has this status.
    pub(crate) async fn until_posted(&self, status: u16) {
        until(&format!("{status} for a review"), async || {
            let response = self.post("/reviews/", http::REVIEW).await;
            if response.status == status { Ok(()) } else { Err(response) }
        })
        .await;
    }

    /// Posts a review with this key until it is acknowledged, and returns the response.
    pub(crate) async fn until_posted_keyed(&self, key: &str) -> Response {
        until("an acknowledgement", async || {
            let response = self.post_keyed(key, http::REVIEW).await;
            if response.status == 200 { Ok(response) } else { Err(response) }
        })
        .await
    }

    /// Waits until at least this many queries of a kind have run.
    pub(crate) async fn until_batches(&self, query: &str, count: usize) {
        let label = format!("query=\"{query}\"");
        until(&format!("{count} queries {query}"), async || {
            let page = self.admin("/metrics").await;
            let run =
                page.sample("batch_size_count", &[&label]).and_then(|count| count.parse::<usize>().ok());
            if run >= Some(count) { Ok(()) } else { Err(run) }
        })
        .await;
    }

    /// Waits until this many requests are in the queue of `get_film`, `list_films` or `create_review`.
    pub(crate) async fn until_queued(&self, queue: &str, length: usize) {
        let label = format!("query=\"{queue}\"");
        until(&format!("{length} requests in the queue {queue}"), async || {
            let page = self.admin("/metrics").await;
            match page.sample("batch_queue", &[&label]) {
                Some(queued) if queued == length.to_string() => Ok(()),
                other => Err(other.map(str::to_owned)),
            }
        })
        .await;
    }

    /// Waits until the instance has logged the expected line, and returns the line.
    pub(crate) async fn until_logged(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        until("the expected line", async || {
            self.log().into_iter().find(&is_expected).ok_or_else(|| self.log())
        })
        .await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the instance is running")
    }

    /// Sends a signal to the instance.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.pid().to_string();
        let status = std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until the instance has ended and its whole log has been read.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let status = timeout(TIMEOUT, self.child.wait()).await.expect("the instance ends").unwrap();
        timeout(TIMEOUT, &mut self.reader).await.expect("stdout ends with the instance").unwrap();
        status
    }

    /// Sends SIGTERM, checks that the instance exits with 0, and returns its log.
    pub(crate) async fn stop(mut self) -> Vec<Value> {
        self.signal("TERM");
        assert_eq!(self.ended().await.code(), Some(0));
        self.log()
    }

    /// Returns the lines that the instance has logged so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line.clone()));
        self.log.0.lock().unwrap().iter().map(parse).collect()
    }
}

/// Shows what the instance said if its test fails.
impl Drop for Films {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("films at {}: {:?}", self.http, self.child.try_wait());
            self.log().iter().for_each(|line| println!("{line}"));
        }
    }
}

impl Log {
    async fn read(self, stdout: ChildStdout) {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap().push(line);
        }
    }

    /// Waits until the instance has logged the address that it listens on.
    async fn address(&self, key: &str) -> SocketAddr {
        let address = |line: &String| {
            let line: Value = serde_json::from_str(line).ok()?;
            let is_wanted = line["message"] == "listening" && line["key"] == key;
            is_wanted.then(|| line["address"].as_str()?.parse().ok())?
        };
        until(&format!("the address of {key}"), async || {
            let lines = self.0.lock().unwrap();
            lines.iter().find_map(address).ok_or_else(|| lines.clone())
        })
        .await
    }
}
